"""The walker: from events to lane operations, in all four modes."""

from amaranth.hdl import Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.events import EventReader
from hw.interfaces import LAYER_LAYOUT, entry_layout
from hw.operation import Mode, operation_layout

ROW = 8
"""Output positions (or groups of a dense layer) that one walker row spans: the largest kernel."""


class Walker(Component):
    """Sparse walk: for each event, each kernel offset inside the map, each group, one operation.

    Kernel ranges are clipped to the map (and to the stride's phase), so no cycle is spent outside.
    GRADIENT and BACKWARD skip output positions (dense layers: groups) without a non-zero gamma: a
    row of up to `ROW` positions is filtered at once. The pipeline has five stages: event, products
    of its coordinates, row, positions, operation; one operation leaves per cycle.

    Parameters
    ----------
    config : CoreConfig
        Lanes and address widths.

    Members
    -------
    start : In(1)
        Begin; `mode` and the rows of the layer table are stable until `finished`.
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
        Lane operations; nothing can hold them back.
    feature, group : Out
        Weight row inside the layer and output group of a dense layer's operation, one cycle before
        it: the address of random weights.
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
        config, layer, source = self.config, self.layer, self.source
        lanes, lane_bits = config.lanes, (config.lanes - 1).bit_length()
        map_bits = config.map_bits
        pool = self.mode == Mode.POOL
        backward = self.mode == Mode.BACKWARD
        sparse = (self.mode == Mode.GRADIENT) | backward
        position = signed(map_bits + 5)

        # non-zero flags of the layer's gamma, one row of the map (or 8 groups) per address
        m.submodules.flags = flags = Memory(
            MemoryData(shape=1 << map_bits, depth=1 << map_bits, init=[])
        )
        flag_in = flags.write_port()
        flag_out = flags.read_port(domain="comb")
        m.d.comb += [
            flag_in.en.eq(self.flag_write),
            flag_in.addr.eq(self.flag_row),
            flag_in.data.eq(self.flag_bits),
        ]

        # ---- events
        m.submodules.reader = reader = EventReader(config)
        event, event_valid, event_ready = (
            reader.events.payload,
            reader.events.valid,
            reader.events.ready,
        )
        m.d.comb += [
            reader.start.eq(self.start),
            reader.words.eq(pool),
            reader.source.eq(source),
            reader.entries.payload.eq(self.entries.payload),
            reader.entries.valid.eq(self.entries.valid),
            self.entries.ready.eq(reader.entries.ready),
        ]

        # ---- products: addresses and window of the event
        def window(coordinate, size):
            """Return first and last output index, and the kernel index at the first."""
            padded, low, high = Signal(position), Signal(position), Signal(position)
            at_least, offset = Signal(position), Signal(position)
            m.d.comb += [
                padded.eq(coordinate + layer.padding),
                at_least.eq(padded - layer.kernel + (Const(1, 5) << layer.stride)),
                low.eq(Mux(at_least < 0, 0, at_least >> layer.stride)),
                high.eq(Mux((padded >> layer.stride) < size, padded >> layer.stride, size - 1)),
                offset.eq(padded - (low << layer.stride)),
            ]
            return low, high, offset

        y_low, y_high, ky = window(event.y, layer.height)
        x_low, x_high, kx = window(event.x, layer.width)
        dense_rows = Signal(map_bits)
        m.d.comb += dense_rows.eq((layer.groups - 1) >> 3)
        tail = Signal(4)  # groups in the last row of a dense layer
        m.d.comb += tail.eq(((layer.groups - 1) & (ROW - 1)) + 1)
        pool_y = (event.y >> layer.window)[:map_bits]
        pool_x = (event.xw >> layer.window)[:map_bits]
        pool_inside = (pool_y < layer.height) & (pool_x < layer.x_words)

        product = Signal(
            data.StructLayout(
                {
                    "py": 16,
                    "px": 16,
                    "pc": 16,
                    "ny": 16,
                    "nx": 16,
                    "ty": 16,
                    "tx": 16,
                    "k": 8,
                    "y_low": map_bits,
                    "y_high": map_bits,
                    "x_low": map_bits,
                    "count": 4,
                    "empty": 1,
                    "g": config.group_bits,
                    "lane": lane_bits,
                    "bits": lanes,
                    "xw": 2,
                }
            ),
            reset_less=True,
        )
        p_valid = Signal()
        r_ready = Signal()
        r_take = Signal()
        first_y = Signal(map_bits)
        first_x = Signal(map_bits)
        m.d.comb += [
            first_y.eq(Mux(pool, pool_y, Mux(layer.dense, 0, y_low))),
            first_x.eq(Mux(pool, pool_x, Mux(layer.dense, 0, x_low >> layer.pack))),
            event_ready.eq(~p_valid | r_take),
        ]
        with m.If(event_ready):
            m.d.sync += [
                p_valid.eq(event_valid & (~pool | pool_inside)),
                product.py.eq(event.y * layer.row_y),
                product.px.eq(event.x * layer.row_x),
                product.pc.eq(event.c * layer.row_c),
                product.ny.eq(first_y * self.layer_stride),
                product.nx.eq(first_x * layer.groups),
                product.ty.eq(event.y * self.source_stride),
                product.tx.eq(event.xw * source.groups),
                product.k.eq(Mux(layer.dense, 0, ky * layer.kernel + kx)),
                product.y_low.eq(first_y),
                product.y_high.eq(Mux(pool, pool_y, Mux(layer.dense, dense_rows, y_high))),
                product.x_low.eq(Mux(layer.dense | pool, 0, x_low)),
                product.count.eq(Mux(pool, 1, x_high - x_low + 1)),
                product.empty.eq(~pool & ~layer.dense & ((y_low > y_high) | (x_low > x_high))),
                product.g.eq(event.g),
                product.lane.eq(event.lane),
                product.bits.eq(event.bits),
                product.xw.eq(event.xw[:2]),
            ]

        # ---- row: output rows of the event (or 8 groups of a dense layer), filtered
        base = Mux((self.mode == Mode.FORWARD) | pool, layer.state_base, layer.error_base)
        row = Signal(
            data.StructLayout(
                {
                    "weight": 16,
                    "feature": 16,
                    "word": 16,
                    "y": map_bits,
                    "y_high": map_bits,
                    "x_low": map_bits,
                    "count": 4,
                    "empty": 1,
                    "tag": 16,
                    "lane": lane_bits,
                    "bits": lanes,
                    "xw": 2,
                }
            ),
            reset_less=True,
        )
        r_valid = Signal()
        emitted = Signal()
        last_row = Signal()
        span = Signal(4)
        mask = Signal(ROW)
        wanted = Signal()
        null = Signal()
        o_ready = Signal()
        m.d.comb += [
            last_row.eq((row.y == row.y_high) | row.empty),
            flag_out.addr.eq(row.y),
            span.eq(Mux(layer.dense, Mux(last_row, tail, ROW), row.count)),
            mask.eq(
                ~(Const((1 << ROW) - 1, ROW) << span)
                & Mux(sparse, (flag_out.data >> row.x_low)[:ROW], (1 << ROW) - 1)
            ),
            null.eq(backward & last_row & ~emitted & (~mask.any() | row.empty)),
            wanted.eq((mask.any() & ~row.empty) | null),
            r_ready.eq(r_valid & (~wanted | o_ready)),
            r_take.eq(p_valid & (~r_valid | (r_ready & last_row))),
        ]
        with m.If(r_ready):
            m.d.sync += [
                row.y.eq(row.y + 1),
                row.weight.eq(
                    Mux(
                        layer.dense,
                        row.weight + (layer.rows << 3),
                        row.weight - (layer.kernel << layer.stride),
                    )
                ),
                row.word.eq(row.word + Mux(layer.dense, ROW, self.layer_stride)),
                emitted.eq(emitted | wanted),
            ]
            with m.If(last_row):
                m.d.sync += r_valid.eq(0)
        with m.If(r_take):
            m.d.sync += [
                r_valid.eq(1),
                emitted.eq(0),
                row.weight.eq(layer.weight_base + product.py + product.px + product.pc + product.k),
                row.feature.eq(product.py + product.px + product.pc),
                row.word.eq(base + product.ny + product.nx + Mux(pool, product.g, 0)),
                row.y.eq(product.y_low),
                row.y_high.eq(product.y_high),
                row.x_low.eq(product.x_low),
                row.count.eq(product.count),
                row.empty.eq(product.empty),
                row.tag.eq(source.error_base + product.ty + product.tx + product.g),
                row.lane.eq(product.lane),
                row.bits.eq(product.bits),
                row.xw.eq(product.xw),
            ]

        # ---- positions: set bits of the row's mask, then groups of a convolution
        at = Signal(
            data.StructLayout(
                {
                    "weight": 16,
                    "feature": 16,
                    "word": 16,
                    "dense_group": config.group_bits + 1,
                    "x_low": map_bits,
                    "first": 1,
                    "null": 1,
                    "tag": 16,
                    "lane": lane_bits,
                    "bits": lanes,
                    "xw": 2,
                }
            ),
            reset_less=True,
        )
        todo = Signal(ROW)
        group = Signal(config.group_bits)
        group_rows = Signal(16)  # group * rows, kept by addition
        a_valid = Signal()
        many = Signal()  # a convolution with several groups
        last_group = Signal()
        a_done = Signal()
        after = Signal(ROW)
        m.d.comb += [
            many.eq(~layer.dense & ~pool & (layer.groups != 1)),
            last_group.eq(~many | at.null | (group == (layer.groups - 1)[: config.group_bits])),
            after.eq(todo & (todo - 1)),
            a_done.eq(last_group & (after == 0)),
            o_ready.eq(~a_valid | a_done),
        ]
        with m.If(a_valid):
            m.d.sync += at.first.eq(0)
            with m.If(last_group):
                m.d.sync += [todo.eq(after), group.eq(0), group_rows.eq(0)]
            with m.Else():
                m.d.sync += [group.eq(group + 1), group_rows.eq(group_rows + layer.rows)]
            with m.If(a_done):
                m.d.sync += a_valid.eq(0)
        with m.If(r_valid & wanted & o_ready):
            m.d.sync += [
                a_valid.eq(1),
                todo.eq(Mux(null, 1, mask)),
                at.weight.eq(row.weight),
                at.feature.eq(row.feature),
                at.word.eq(row.word),
                at.dense_group.eq(row.y << 3),
                at.x_low.eq(row.x_low),
                at.first.eq(~emitted),
                at.null.eq(null),
                at.tag.eq(row.tag),
                at.lane.eq(row.lane),
                at.bits.eq(row.bits),
                at.xw.eq(row.xw),
            ]

        # ---- operation
        step = Signal(3)
        for i in reversed(range(ROW)):
            with m.If(todo[i]):
                m.d.comb += step.eq(i)
        slots = (Const(1, 4) << layer.pack) - 1
        within = Signal(4)  # position of the row's first column inside its word
        place = Signal(5)
        m.d.comb += [
            within.eq(at.x_low & slots),
            place.eq(within + step),
        ]
        weight_step = Signal(signed(19))
        word_step = Signal(16)
        m.d.comb += [
            weight_step.eq(Mux(layer.dense, step * layer.rows, -(step << layer.stride))),
            word_step.eq(
                Mux(layer.dense, step, Mux(many, step * layer.groups, place >> layer.pack))
            ),
        ]
        m.d.comb += [
            self.feature.eq(at.feature),
            self.group.eq(Mux(layer.dense, at.dense_group + step, group)),
        ]
        final = self.group == layer.groups - 1
        op = self.operation
        flush = Signal()
        active = Signal()
        empty = Signal()
        spikes = sum(at.bits[1:], at.bits[0])
        m.d.comb += [
            empty.eq(reader.empty & ~(p_valid | r_valid) & (~a_valid | (a_done & ~backward))),
            flush.eq(active & empty & backward),
        ]
        m.d.sync += [
            self.valid.eq(a_valid | flush),
            self.finished.eq(active & empty),
            op.weight.eq(at.weight + weight_step + group_rows),
            op.word.eq(at.word + word_step + group),
            op.slot.eq(place & slots),
            op.first.eq(at.first | flush),
            op.null.eq(at.null | flush),
            op.issued.eq(a_valid & ~at.null),
            op.flush.eq(flush),
            op.tag.eq(at.tag),
            op.lane.eq(at.lane),
            op.bits.eq(at.bits),
            op.x.eq(at.xw),
            op.lanes.eq(
                Mux(
                    at.null | flush,
                    0,
                    Mux(pool, spikes, Mux(final, self.last_lanes, lanes)),
                )
            ),
        ]
        with m.If(active & empty):
            m.d.sync += active.eq(0)
        with m.If(self.start):
            m.d.sync += active.eq(1)
        return m
