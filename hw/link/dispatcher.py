"""What a request does: sequence rule, decoding, status and response."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import (
    ACCESS,
    FRAMES,
    IDEMPOTENT,
    READ_ONLY,
    RESPONSE,
    RESULT,
    WAIT,
    Packet,
    Space,
    Status,
)
from host.protocol.program import JOB
from hw.interfaces import JOB_LAYOUT, RESULT_SPACE, layout_of
from hw.link.packet import header_layout
from hw.link.slip import MARKED_LAYOUT

__all__ = ["HEADERS", "Dispatcher"]

HEADERS = {
    Packet.HELLO: (0, True),
    Packet.READ: (ACCESS.bytes, True),
    Packet.WRITE: (ACCESS.bytes, False),
    Packet.FRAMES: (FRAMES.bytes, False),
    Packet.RUN: (JOB.bytes + FRAMES.bytes, False),
    Packet.RESULT: (WAIT.bytes, True),
    Packet.ECHO: (0, False),
}
"""Bytes of a request's fixed part, and whether nothing may follow it."""

HEADER_BITS = 8 * (JOB.bytes + FRAMES.bytes)


class Dispatcher(Component):
    """Sequencer of the link: one request in, one response out.

    Parameters
    ----------
    config : CoreConfig
        Bounds of packets and results.
    result_timeout : int
        RESULT answers BUSY after this many cycles [cycles].

    Members
    -------
    packet, bytes, empty
        Request held by the receiver.
    o : Out(stream.Signature(MARKED_LAYOUT))
        Response, without CRC.
    rows_*
        Row access; `rows_i`/`rows_o` are its bytes, `rows_o` up to the one marked last.
    frames_*
        Frame loader; the receiver's bytes go there while `frames_bytes` is high.
    run, run_* : queue of intervals
    core_running : In(1)
        The core is at work, for a job or clearing its counters.
    result_groups : In(8)
        Words of counts per interval.
    sequence_error : Out(1)
        One-cycle pulse: a request was answered with SEQUENCE.

    Raises
    ------
    TypeError, ValueError
        `result_timeout` is not a positive int.
    """

    def __init__(self, config: CoreConfig, result_timeout: int = 1 << 20):
        if not isinstance(result_timeout, int):
            raise TypeError(f"result_timeout must be an int, not {result_timeout!r}")
        if result_timeout < 1:
            raise ValueError(f"result_timeout must be at least 1 cycle, not {result_timeout}")
        self._config = config
        self._timeout = result_timeout
        super().__init__(
            {
                "packet": In(stream.Signature(header_layout(config))),
                "bytes": In(stream.Signature(8)),
                "empty": In(1),
                "o": Out(stream.Signature(MARKED_LAYOUT)),
                "rows_space": Out(8),
                "rows_start": Out(32),
                "rows_rows": Out(16),
                "rows_length": Out(16),
                "rows_check": Out(1),
                "rows_checked": In(1),
                "rows_wrong_space": In(1),
                "rows_wrong_length": In(1),
                "rows_wrong_range": In(1),
                "rows_begin": Out(1),
                "rows_write": Out(1),
                "rows_done": In(1),
                "rows_i": Out(stream.Signature(8)),
                "rows_o": In(stream.Signature(MARKED_LAYOUT)),
                "frames_start": Out(1),
                "frames_count": Out(8),
                "frames_first": Out(8),
                "frames_drop": Out(1),
                "frames_loaded": In(8),
                "frames_kept": In(1),
                "frames_done": In(1),
                "frames_failed": In(1),
                "frames_bytes": Out(stream.Signature(8)),
                "run": Out(32),
                "run_is_next": In(1),
                "run_is_past": In(1),
                "run_result_ready": In(1),
                "run_result_coming": In(1),
                "run_full": In(1),
                "run_pending": In(1),
                "run_push": Out(1),
                "run_push_job": Out(JOB_LAYOUT),
                "core_running": In(1),
                "result_groups": In(8),
                "sequence_error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        request = self.packet.p
        header = Signal(HEADER_BITS)
        fixed = Signal(range(HEADER_BITS // 8 + 1))
        missing = Signal.like(fixed)
        incomplete = Signal()  # bytes of the header are missing
        exact, known = Signal(), Signal()
        greeted = Signal()
        last = Signal(8)
        last_type = Signal(8)
        last_status = Signal(8)
        repeatable = Signal()
        is_hello = Signal()
        is_next, is_same = Signal(), Signal()
        status = Signal(8)
        timer = Signal(range(self._timeout + 1))
        position = Signal(3)
        result_byte = Signal(8)
        echoed = Signal.like(request.length)

        # Headers are shifted in from the top, so that they end at the top whatever their length.
        def top(record):
            return data.View(
                layout_of(record), header[HEADER_BITS - 8 * record.bytes :][: record.width]
            )

        access, frames, wait = top(ACCESS), top(FRAMES), top(WAIT)
        job = data.View(JOB_LAYOUT, header[: JOB.width])
        is_run, is_result, is_write, is_echo = (
            Signal(name=f"is_{name}") for name in ("run", "result", "write", "echo")
        )
        runs_differ = Signal()
        job_wrong = Signal()
        m.d.sync += [
            runs_differ.eq(job.run != frames.run),
            job_wrong.eq(
                (job.steps == 0)
                | (job.frames != self.frames_loaded)
                | ((job.frames == 0) & ~self.frames_kept)
            ),
            self.run_push.eq(0),
        ]

        def look():
            """Take over what the request's type and sequence number say."""
            m.d.sync += [
                known.eq(0),
                is_hello.eq(request.type == Packet.HELLO),
                is_run.eq(request.type == Packet.RUN),
                is_result.eq(request.type == Packet.RESULT),
                is_write.eq(request.type == Packet.WRITE),
                is_echo.eq(request.type == Packet.ECHO),
                is_same.eq(
                    greeted
                    & (request.sequence == last)
                    & ((request.type == last_type) | (request.type == Packet.HELLO))
                ),
                is_next.eq(greeted & (request.sequence == (last + 1)[:8])),
            ]
            with m.Switch(request.type):
                for kind, (size, nothing) in HEADERS.items():
                    with m.Case(kind):
                        m.d.sync += [
                            fixed.eq(size),
                            exact.eq(nothing),
                            known.eq(1),
                            repeatable.eq(kind in IDEMPOTENT),
                        ]
                with m.Default():
                    m.d.sync += repeatable.eq(0)

        m.d.comb += [
            self.rows_length.eq(request.length - ACCESS.bytes),
            self.rows_write.eq(is_write),
            self.rows_i.payload.eq(self.bytes.payload),
            self.frames_count.eq(frames.count),
            self.frames_first.eq(frames.first),
            self.frames_bytes.payload.eq(self.bytes.payload),
            self.run.eq(Mux(is_result, wait.run, frames.run)),
            self.run_push_job.eq(job),
        ]
        m.d.sync += [
            self.rows_space.eq(
                Mux(is_hello, Space.REGISTERS, Mux(is_result, RESULT_SPACE, access.space))
            ),
            self.rows_start.eq(
                Mux(
                    is_hello,
                    0,
                    Mux(is_result, wait.run[0] << clog2(self._config.class_groups), access.start),
                )
            ),
            self.rows_rows.eq(
                Mux(is_hello, len(READ_ONLY), Mux(is_result, self.result_groups, access.rows))
            ),
        ]

        def answer(value):
            m.d.sync += status.eq(value)
            m.next = "TYPE"

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += [timer.eq(0), position.eq(0), echoed.eq(1)]
                look()
                with m.If(self.packet.valid):
                    m.d.sync += status.eq(Status.OK)
                    m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += [missing.eq(fixed), incomplete.eq(fixed != 0)]
                with m.If(~is_hello & ~is_next & ~is_same):
                    m.d.comb += self.sequence_error.eq(1)
                    answer(Status.SEQUENCE)
                with m.Elif(is_same & ~repeatable):
                    answer(last_status)
                with m.Else():
                    m.d.sync += [last.eq(request.sequence), last_type.eq(request.type)]
                    with m.If(
                        ~known | (request.length < fixed) | (exact & (request.length != fixed))
                    ):
                        answer(Status.UNKNOWN)
                    with m.Else():
                        m.next = "HEADER"
            with m.State("HEADER"):
                with m.If(~incomplete):
                    with m.Switch(request.type):
                        with m.Case(Packet.HELLO):
                            m.d.sync += greeted.eq(1)
                            answer(Status.OK)
                        with m.Case(Packet.ECHO):
                            answer(Status.OK)
                        with m.Case(Packet.FRAMES, Packet.RUN, Packet.RESULT):
                            m.next = "AGE"
                        with m.Default():
                            m.next = "SPACE"
                with m.Else():
                    m.d.comb += self.bytes.ready.eq(1)
                    with m.If(self.bytes.valid):
                        m.d.sync += [
                            header.eq(Cat(header[8:], self.bytes.payload)),
                            missing.eq(missing - 1),
                            incomplete.eq(missing != 1),
                        ]
            with m.State("SPACE"):
                m.d.comb += self.rows_check.eq(1)
                m.next = "CHECK"
            with m.State("CHECK"):
                with m.If(self.rows_checked):
                    with m.If(self.rows_wrong_space | self.rows_wrong_length):
                        answer(Status.UNKNOWN)
                    with m.Elif(self.rows_wrong_range):
                        answer(Status.RANGE)
                    with m.Elif((access.space == Space.REGISTERS) & ~is_write):
                        answer(Status.OK)
                    with m.Elif(self.run_pending):
                        answer(Status.BUSY)
                    with m.Else():
                        m.next = "SETTLE"
            with m.State("SETTLE"):
                # No job is there, but the core may still clear its counters.
                with m.If(~self.core_running):
                    answer(Status.OK)
                    with m.If(is_write):
                        m.d.comb += self.rows_begin.eq(1)
                        m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += [
                    self.rows_i.valid.eq(self.bytes.valid),
                    self.bytes.ready.eq(self.rows_i.ready),
                ]
                with m.If(self.rows_done):
                    answer(Status.OK)
            with m.State("AGE"):
                # The queue takes two cycles to place the interval.
                m.next = "ORDER"
                with m.If(is_result):
                    m.next = "WAIT"
            with m.State("ORDER"):
                with m.If(is_run & runs_differ):
                    m.d.comb += self.frames_drop.eq(1)
                    answer(Status.RANGE)
                with m.Elif(self.run_is_past):
                    answer(Status.OK)
                with m.Elif(~self.run_is_next):
                    m.d.comb += self.frames_drop.eq(1)
                    answer(Status.RANGE)
                with m.Elif(self.run_full):
                    answer(Status.BUSY)
                with m.Else():
                    m.d.comb += self.frames_start.eq(1)
                    m.next = "FRAMES"
                    with m.If(frames.count == 0):
                        # Nothing to load; the loader would take `first` 0 as a new beginning.
                        m.d.comb += self.frames_start.eq(0)
                        m.next = "QUEUE"
                        with m.If(~self.empty):
                            m.d.comb += self.frames_drop.eq(1)
                            answer(Status.RANGE)
            with m.State("FRAMES"):
                m.d.comb += [
                    self.frames_bytes.valid.eq(self.bytes.valid),
                    self.bytes.ready.eq(self.frames_bytes.ready),
                ]
                with m.If(self.frames_done):
                    m.next = "QUEUE"
                    with m.If(self.frames_failed):
                        answer(Status.RANGE)
            with m.State("QUEUE"):
                with m.If(is_run):
                    # A RUN that does not queue drops the frames as well.
                    m.d.comb += self.frames_drop.eq(1)
                    with m.If(job_wrong):
                        answer(Status.RANGE)
                    with m.Else():
                        m.d.sync += self.run_push.eq(1)
                        answer(Status.OK)
                with m.Else():
                    answer(Status.OK)
            with m.State("WAIT"):
                m.d.sync += timer.eq(timer + 1)
                with m.If(self.run_result_ready):
                    answer(Status.OK)
                with m.Elif(~self.run_result_coming):
                    answer(Status.RANGE)
                with m.Elif(timer == self._timeout):
                    answer(Status.BUSY)

            with m.State("TYPE"):
                m.d.comb += [self.o.valid.eq(1), self.o.p.data.eq(request.type | RESPONSE)]
                with m.If(status != Status.SEQUENCE):
                    m.d.sync += last_status.eq(status)
                with m.If(self.o.ready):
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += [self.o.valid.eq(1), self.o.p.data.eq(request.sequence)]
                with m.If(self.o.ready):
                    m.next = "STATUS"
            with m.State("STATUS"):
                m.d.comb += [self.o.valid.eq(1), self.o.p.data.eq(status)]
                m.d.comb += self.o.p.last.eq(
                    (status != Status.SEQUENCE)
                    & ((status != Status.OK) | ~repeatable | (is_echo & (request.length == 0)))
                )
                with m.If(self.o.ready):
                    with m.If(self.o.p.last):
                        m.next = "RELEASE"
                    with m.Elif(status == Status.SEQUENCE):
                        m.next = "LAST"
                    with m.Elif(is_result):
                        m.next = "PICK"
                    with m.Elif(is_echo):
                        m.next = "ECHO"
                    with m.Else():
                        m.d.comb += self.rows_begin.eq(1)
                        m.next = "ROWS"
            with m.State("ECHO"):
                m.d.comb += [
                    self.o.valid.eq(self.bytes.valid),
                    self.o.p.data.eq(self.bytes.payload),
                    self.o.p.last.eq(echoed == request.length),
                    self.bytes.ready.eq(self.o.ready),
                ]
                with m.If(self.o.valid & self.o.ready):
                    m.d.sync += echoed.eq(echoed + 1)
                    with m.If(self.o.p.last):
                        m.next = "RELEASE"
            with m.State("LAST"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.p.data.eq(last),
                    self.o.p.last.eq(1),
                ]
                with m.If(self.o.ready):
                    m.next = "RELEASE"
            with m.State("PICK"):
                picked = Cat(wait.run, self.result_groups).word_select(position, 8)
                m.d.sync += result_byte.eq(picked)
                m.next = "RESULT"
            with m.State("RESULT"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.p.data.eq(result_byte),
                    self.o.p.last.eq((position == RESULT.bytes - 1) & (self.result_groups == 0)),
                ]
                with m.If(self.o.ready):
                    m.d.sync += position.eq(position + 1)
                    m.next = "PICK"
                    with m.If(position == RESULT.bytes - 1):
                        m.next = "RELEASE"
                        with m.If(self.result_groups != 0):
                            m.d.comb += self.rows_begin.eq(1)
                            m.next = "ROWS"
            with m.State("ROWS"):
                m.d.comb += [
                    self.o.valid.eq(self.rows_o.valid),
                    self.o.payload.eq(self.rows_o.payload),
                    self.rows_o.ready.eq(self.o.ready),
                ]
                with m.If(self.o.valid & self.o.ready & self.o.p.last):
                    m.next = "RELEASE"
            with m.State("RELEASE"):
                m.d.comb += self.packet.ready.eq(1)
                m.next = "IDLE"
        return m
