"""The whole link: byte streams on one side, the core on the other."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, Signature, connect, flipped

from golden.core_config import CoreConfig
from host.protocol.packets import STATUS
from hw.arith import delay
from hw.interfaces import core_signature, uart_port
from hw.link.dispatcher import Dispatcher
from hw.link.frame_loader import FrameLoader
from hw.link.packet import PacketReceiver, PacketTransmitter
from hw.link.registers import EVENTS, SOURCES, Registers
from hw.link.rows import RowAccess
from hw.link.runs import RunQueue
from hw.link.slip import SlipDecoder, SlipEncoder
from hw.stream_buffer import StreamBuffer

__all__ = ["Link"]

assert {*SOURCES, *EVENTS} <= {*STATUS}


class Link(Component):
    """Packet link of a core.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    result_timeout : int
        A request for the counts of an interval is answered BUSY after this long [cycles].

    Members
    -------
    rx : In(stream.Signature(8))
        Bytes from the host.
    tx : Out(stream.Signature(8))
        Bytes to the host.
    core
        The members of `core_signature`, from the other side.
    uart : Out(uart_port())
        Rate of the UART that carries the streams, if it is one.
    busy : Out(1)
        An interval waits or runs.
    error : Out(1)
        A request was dropped or refused for its sequence number since the counters were cleared.
    """

    def __init__(self, config: CoreConfig, result_timeout: int = 1 << 20):
        self._config = config
        self._dispatcher = Dispatcher(config, result_timeout)
        super().__init__(
            {
                "rx": In(stream.Signature(8)),
                "tx": Out(stream.Signature(8)),
                "core": In(Signature(core_signature(config))),
                "uart": Out(uart_port()),
                "busy": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, core = self._config, self.core
        m.submodules.decoder = decoder = SlipDecoder()
        m.submodules.receiver = receiver = PacketReceiver(config)
        m.submodules.dispatcher = dispatcher = self._dispatcher
        m.submodules.rows = rows = RowAccess(config)
        m.submodules.frames = frames = FrameLoader(config)
        m.submodules.queue = queue = RunQueue()
        m.submodules.registers = registers = Registers(config)
        m.submodules.transmitter = transmitter = PacketTransmitter()
        m.submodules.encoder = encoder = SlipEncoder()

        connect(m, flipped(self.rx), decoder.i)
        connect(m, decoder.o, receiver.items)
        connect(m, receiver.packet, dispatcher.packet)
        connect(m, receiver.bytes, dispatcher.bytes)
        for name, source, target in (
            ("write_buffer", dispatcher.rows_i, rows.i),
            ("read_buffer", rows.o, dispatcher.rows_o),
            ("response_buffer", dispatcher.o, transmitter.i),
            ("frame_buffer", transmitter.o, encoder.i),
            ("byte_buffer", encoder.o, flipped(self.tx)),
        ):
            buffer = StreamBuffer(source.payload.shape())
            m.submodules[name] = buffer
            connect(m, source, buffer.i)
            connect(m, buffer.o, target)
        connect(m, rows.access, flipped(core.access))
        connect(m, frames.frame_write, flipped(core.frame_write))
        connect(m, queue.job, flipped(core.job))

        # What a rejected packet leaves here is not the next one's.
        frame_bytes = ResetInserter(dispatcher.frames_start)(StreamBuffer(8))
        m.submodules.frame_bytes = frame_bytes
        connect(m, dispatcher.frames_bytes, frame_bytes.i)
        connect(m, frame_bytes.o, frames.bytes)
        m.d.comb += frames.empty.eq(receiver.empty & ~frame_bytes.o.valid)

        # The frame buffer to load next; an interval that loads none uses the one loaded before it.
        slot, keeps, kept = Signal(), Signal(), Signal()
        m.d.comb += keeps.eq(dispatcher.run_push_job.frames == 0)
        with m.If(registers.clear_run):
            m.d.sync += [slot.eq(0), kept.eq(0)]
        with m.Elif(dispatcher.run_push & ~keeps):
            m.d.sync += [slot.eq(~slot), kept.eq(1)]

        running = delay(m, core.running, 1, "running", reset_less=False)
        m.d.comb += [
            dispatcher.empty.eq(receiver.empty),
            dispatcher.core_running.eq(running),
            dispatcher.result_groups.eq(core.result_groups),
            # Row access
            rows.space.eq(dispatcher.rows_space),
            rows.start.eq(dispatcher.rows_start),
            rows.rows.eq(dispatcher.rows_rows),
            rows.length.eq(dispatcher.rows_length),
            rows.check.eq(dispatcher.rows_check),
            rows.begin.eq(dispatcher.rows_begin),
            rows.write.eq(dispatcher.rows_write),
            dispatcher.rows_checked.eq(rows.checked),
            dispatcher.rows_wrong_space.eq(rows.wrong_space),
            dispatcher.rows_wrong_length.eq(rows.wrong_length),
            dispatcher.rows_wrong_range.eq(rows.wrong_range),
            dispatcher.rows_done.eq(rows.done),
            # Frames
            frames.start.eq(dispatcher.frames_start),
            frames.count.eq(dispatcher.frames_count),
            frames.first.eq(dispatcher.frames_first),
            frames.drop.eq(dispatcher.frames_drop | registers.clear_run),
            frames.slot.eq(slot),
            frames.map.eq(core.frame_map),
            dispatcher.frames_loaded.eq(frames.loaded),
            dispatcher.frames_kept.eq(kept),
            dispatcher.frames_done.eq(frames.done),
            dispatcher.frames_failed.eq(frames.failed),
            # Intervals
            queue.run.eq(dispatcher.run),
            queue.push.eq(dispatcher.run_push),
            queue.push_job.eq(dispatcher.run_push_job),
            queue.push_job.slot.eq(slot ^ keeps),
            queue.finished.eq(core.finished),
            queue.clear.eq(registers.clear_run),
            dispatcher.run_is_next.eq(queue.is_next),
            dispatcher.run_is_past.eq(queue.is_past),
            dispatcher.run_result_ready.eq(queue.result_ready),
            dispatcher.run_result_coming.eq(queue.result_coming),
            dispatcher.run_full.eq(queue.full),
            dispatcher.run_pending.eq(queue.pending),
            # Registers
            registers.address.eq(rows.register_address),
            registers.read.eq(rows.register_read),
            registers.write.eq(rows.register_write),
            registers.write_data.eq(rows.register_write_data),
            rows.register_data.eq(registers.data),
            registers.busy.eq(queue.pending | running),
            registers.value_next_run.eq(queue.next_run),
            registers.value_finished_runs.eq(queue.finished_runs),
            registers.count_crc_errors.eq(receiver.crc_error),
            registers.count_length_errors.eq(receiver.length_error),
            registers.count_sequence_errors.eq(dispatcher.sequence_error),
            registers.value_uart_clock.eq(self.uart.clock),
            registers.value_uart_default.eq(self.uart.default),
            registers.uart_step.eq(self.uart.step),
            self.uart.write.eq(registers.uart_write),
            self.uart.value.eq(rows.register_write_data),
            self.uart.request.eq(receiver.packet.valid),
            core.seed.eq(registers.seed),
            core.clear_counters.eq(registers.clear_counters),
            self.busy.eq(queue.pending),
        ]
        for name in ("carry", "delta", "gamma", "weight"):
            counter = getattr(core, f"saturated_{name}")
            m.d.comb += getattr(registers, f"value_saturated_{name}").eq(counter)
        m.d.comb += registers.value_gradient_overflow.eq(core.gradient_overflow)

        sticky = Signal()
        with m.If(registers.clear_counters):
            m.d.sync += sticky.eq(0)
        with m.If(receiver.crc_error | receiver.length_error | dispatcher.sequence_error):
            m.d.sync += sticky.eq(1)
        m.d.comb += self.error.eq(sticky)
        return m
