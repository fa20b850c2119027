"""The walker: from events to lane operations, in all four modes."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect

from golden.core_config import CoreConfig
from hw.arith import at_most, without_lowest
from hw.events import EventReader
from hw.interfaces import LAYER_LAYOUT, entry_layout
from hw.operation import Mode, operation_layout
from hw.stream_buffer import StreamBuffer
from hw.walk_rows import ROW, WalkRows, row_layout


class Walker(Component):
    """Sparse walk: for each event, each kernel offset inside the map, each group, one operation.

    `hw.walk_rows` makes rows of output positions from events. Their positions become operations
    here, one per cycle; nothing can hold those back, so that two more registers, for addresses, are
    mere delay.

    Parameters
    ----------
    config : CoreConfig
        Lanes and address widths.

    Members
    -------
    start : In(1)
        Begin; `mode` and the rows of the layer table are stable until `finished`, from the cycle
        before on.
    mode : In(Mode)
        What to do.
    layer, source : In(LAYER_LAYOUT)
        Layer table rows of the layer and of where its events come from.
    layer_stride, source_stride : In(16)
        Words of a map row: x_words * groups.
    last_lanes : In
        Channels in the layer's last group.
    entries : In(stream of entry)
        The event list.
    flag_write, flag_row, flag_bits : In
        Non-zero flags of gamma from the error pass.
    operation, valid : Out
        Lane operations.
    feature, group : Out
        Weight row inside the layer and output group of a dense layer's operation,
        `hw.random_weights.AHEAD` cycles before it: the address of random weights.
    finished : Out(1)
        Pulses with or after the last operation.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.entry = entry_layout(config)
        self.operation_layout = operation_layout(config)
        super().__init__(
            {
                "start": In(1),
                "mode": In(Mode),
                "layer": In(LAYER_LAYOUT),
                "source": In(LAYER_LAYOUT),
                "layer_stride": In(16),
                "source_stride": In(16),
                "last_lanes": In(config.lanes.bit_length()),
                "entries": In(stream.Signature(self.entry)),
                "flag_write": In(1),
                "flag_row": In(config.map_bits),
                "flag_bits": In(1 << config.map_bits),
                "operation": Out(self.operation_layout),
                "valid": Out(1),
                "feature": Out(16),
                "group": Out(config.group_bits + 1),
                "finished": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, source = self.config, self.source
        backward = self.mode == Mode.BACKWARD

        m.submodules.reader = reader = EventReader(config)
        m.submodules.rows = rows = WalkRows(config)
        m.submodules.events = events = StreamBuffer(reader.events.payload.shape())
        connect(m, reader.events, events.i)
        connect(m, events.o, rows.events)
        m.d.comb += [
            reader.start.eq(self.start),
            reader.words.eq(self.mode == Mode.POOL),
            reader.source.eq(source),
            reader.entries.payload.eq(self.entries.payload),
            reader.entries.valid.eq(self.entries.valid),
            self.entries.ready.eq(reader.entries.ready),
            *(
                getattr(rows, name).eq(getattr(self, name))
                for name in ("mode", "layer", "source", "layer_stride", "source_stride",
                             "flag_write", "flag_row", "flag_bits")
            ),
        ]  # fmt: skip

        valid, done, chosen = self._positions(m, rows.rows)
        empty, flush, active = Signal(), Signal(), Signal()
        m.d.comb += [
            empty.eq(
                active
                & reader.empty
                & ~(events.o.valid | rows.busy)
                & (~valid | (done & ~backward))
            ),
            flush.eq(empty & backward),
        ]
        with m.If(empty):
            m.d.sync += active.eq(0)
        with m.If(self.start):
            m.d.sync += active.eq(1)
        self._operation(m, valid, empty, flush, chosen)
        return m

    def _positions(self, m, rows):
        """Add the stage that visits a row's set bits, and the groups of a convolution.

        Returns
        -------
        tuple
            Valid; that it is the row's last operation; its values by name.
        """
        config, layer = self.config, self.layer
        # A convolution with several groups; its last group but one.
        many, before_last = Signal(reset_less=True), Signal(config.group_bits, reset_less=True)
        m.d.sync += [
            many.eq(~layer.dense & (self.mode != Mode.POOL) & (layer.groups != 1)),
            before_last.eq(layer.groups - 2),
        ]
        at = Signal(row_layout(config), reset_less=True)
        valid, last_group, last_bit = Signal(), Signal(), Signal()
        todo = Signal(ROW)
        group = Signal(config.group_bits)
        group_rows = Signal(16)  # group * rows, kept by addition
        ready = Signal(init=1)
        done, after = Signal(), Signal(ROW)
        last_group_next, last_bit_next, valid_next = Signal(), Signal(), Signal()
        m.d.comb += [
            after.eq(without_lowest(todo)),
            done.eq(last_group & last_bit),
            rows.ready.eq(ready),
            valid_next.eq(valid & ~done),
            last_group_next.eq(last_group),
            last_bit_next.eq(last_bit),
        ]
        with m.If(valid):
            m.d.sync += at.first.eq(0)
            with m.If(last_group):
                m.d.sync += [todo.eq(after), group.eq(0), group_rows.eq(0)]
                m.d.comb += [last_bit_next.eq(at_most(2, todo)), last_group_next.eq(~many)]
            with m.Else():
                m.d.sync += [group.eq(group + 1), group_rows.eq(group_rows + layer.rows)]
                m.d.comb += last_group_next.eq(group == before_last)
        with m.If(rows.valid & ready):
            row = rows.payload
            m.d.sync += [at.eq(row), todo.eq(Mux(row.null, 1, row.mask))]
            m.d.comb += [
                valid_next.eq(1),
                last_bit_next.eq(row.null | at_most(1, row.mask)),
                last_group_next.eq(row.null | ~many),
            ]
        m.d.sync += [
            valid.eq(valid_next),
            last_bit.eq(last_bit_next),
            last_group.eq(last_group_next),
            ready.eq(~valid_next | (last_bit_next & last_group_next)),
        ]
        step = Signal(3)
        for i in reversed(range(ROW)):
            with m.If(todo[i]):
                m.d.comb += step.eq(i)
        names = ("weight", "feature", "word", "x_low", "first", "null", "tag", "lane", "bits", "xw")
        values = {name: at[name] for name in names}
        values |= {"step": step, "group": group, "group_rows": group_rows, "many": many}
        # A dense layer's rows span 8 groups.
        dense_group = Cat(step, at.y)[: config.group_bits + 1]
        values["output"] = Mux(layer.dense, dense_group, group)[: config.group_bits + 1]
        return valid, done, values

    def _operation(self, m, valid, empty, flush, chosen):
        """Add the two stages between a position and its operation."""
        config, layer, op = self.config, self.layer, self.operation
        pool = self.mode == Mode.POOL

        def stage(name, fields):
            registers = {}
            for key, value in fields.items():
                registers[key] = Signal.like(value, name=f"{name}_{key}", reset_less=True)
                m.d.sync += registers[key].eq(value)
            return registers

        def flag(name, value):
            register = Signal(name=name)
            m.d.sync += register.eq(value)
            return register

        one = stage("one", chosen)
        one_valid, one_end, one_flush = (
            flag("one_valid", valid), flag("one_end", empty), flag("one_flush", flush)
        )  # fmt: skip
        m.d.comb += [self.feature.eq(one["feature"]), self.group.eq(one["output"])]

        slots = Signal(3, reset_less=True)
        m.d.sync += slots.eq((1 << layer.pack) - 1)
        place = Signal(5)  # of the position, from the first one of its row's first word on
        rows_step, groups_step = Signal(16), Signal(16)
        m.d.comb += [
            place.eq((one["x_low"] & slots) + one["step"]),
            rows_step.eq(one["step"] * layer.rows),
            groups_step.eq(one["step"] * layer.groups),
        ]
        spikes = sum(one["bits"][1:], one["bits"][0])
        last_output = Signal.like(one["output"], reset_less=True)
        m.d.sync += last_output.eq(layer.groups - 1)
        final = one["output"] == last_output
        kept = ("first", "null", "tag", "lane", "bits", "xw")
        two = stage("two", {
            **{name: one[name] for name in kept},
            "weight": (one["weight"] + one["group_rows"])[:16],
            "back": (one["step"] << layer.stride)[:6],
            "rows_step": rows_step,
            "word": (one["word"] + one["group"])[:16],
            "groups_step": groups_step,
            "step": one["step"],
            "place": place,
            "many": one["many"],
            "slot": (place & slots)[: len(op.slot)],
            "lanes": Mux(pool, spikes, Mux(final, self.last_lanes, config.lanes))[: len(op.lanes)],
        })  # fmt: skip
        two_valid, two_end, two_flush = (
            flag("two_valid", one_valid), flag("two_end", one_end), flag("two_flush", one_flush)
        )  # fmt: skip

        along = Mux(layer.dense, two["step"], two["place"] >> layer.pack)
        idle = two["null"] | two_flush
        m.d.sync += [
            self.valid.eq(two_valid | two_flush),
            self.finished.eq(two_end),
            op.weight.eq(two["weight"] + Mux(layer.dense, two["rows_step"], -two["back"])),
            op.word.eq(two["word"] + Mux(two["many"], two["groups_step"], along)),
            op.slot.eq(two["slot"]),
            op.first.eq(two["first"] | two_flush),
            op.null.eq(idle),
            op.issued.eq(two_valid & ~two["null"]),
            op.flush.eq(two_flush),
            op.tag.eq(two["tag"]),
            op.lane.eq(two["lane"]),
            op.bits.eq(two["bits"]),
            op.x.eq(two["xw"]),
            op.lanes.eq(Mux(idle, 0, two["lanes"])),
        ]
