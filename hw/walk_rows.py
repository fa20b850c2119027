"""Rows of a walk: which output positions an event reaches, and which of them have an error."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.events import event_layout
from hw.interfaces import LAYER_LAYOUT
from hw.operation import Mode
from hw.stream_buffer import StreamBuffer

ROW = 8
"""Output positions (or groups of a dense layer) that one walker row spans: the largest kernel."""


def row_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of a row.

    ``weight``, ``feature`` and ``word`` are the addresses of its first position; ``mask`` tells
    which of its positions are visited, ``x_low`` is the first one's column. ``null`` stands for an
    event of BACKWARD that has nothing to visit. ``tag`` and ``lane`` name the event's neuron.
    """
    return data.StructLayout(
        {
            "weight": 16,
            "feature": 16,
            "word": 16,
            "y": config.map_bits,
            "x_low": config.map_bits,
            "mask": ROW,
            "first": 1,
            "null": 1,
            "tag": 16,
            "lane": (config.lanes - 1).bit_length(),
            "bits": config.lanes,
            "xw": 2,
        }
    )


class WalkRows(Component):
    """Stream of rows from a stream of events.

    Kernel ranges are clipped to the map (and to the stride's phase). GRADIENT and BACKWARD filter
    the positions (dense layers: groups) without a non-zero gamma, a row of up to `ROW` at once. An
    event takes as many cycles as it has rows, whether they are visited or not. Eleven registers
    stand between event and row: five for its addresses, a buffer, the row's counter, and four for
    the filter. The last five move on together, and stand still together while a row to be visited
    waits.

    Parameters
    ----------
    config : CoreConfig
        Lanes and address widths.

    Members
    -------
    mode, layer, source, layer_stride, source_stride : In
        As for `hw.walker.Walker`, stable while events or rows are under way.
    flag_write, flag_row, flag_bits : In
        Non-zero flags of gamma.
    events : In(stream of event)
    rows : Out(stream of row)
        Those to be visited, and null rows.
    busy : Out(1)
        A row or event is inside.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "mode": In(Mode),
                "layer": In(LAYER_LAYOUT),
                "source": In(LAYER_LAYOUT),
                "layer_stride": In(16),
                "source_stride": In(16),
                "flag_write": In(1),
                "flag_row": In(config.map_bits),
                "flag_bits": In(1 << config.map_bits),
                "events": In(stream.Signature(event_layout(config))),
                "rows": Out(stream.Signature(row_layout(config))),
                "busy": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        constants = self._constants(m)
        move = Signal()
        five, coming = self._addresses(m, move, constants)
        layout = data.StructLayout({name: value.shape() for name, value in five.items()})
        m.submodules.buffer = buffer = StreamBuffer(layout)
        m.d.comb += [
            move.eq(buffer.i.ready),
            self.events.ready.eq(move),
            buffer.i.valid.eq(coming[-1]),
            *(buffer.i.payload[name].eq(value) for name, value in five.items()),
        ]
        inside = self._filter(m, buffer.o, constants)
        m.d.comb += self.busy.eq(Cat(*coming, buffer.o.valid, *inside).any())
        return m

    def _constants(self, m):
        """Add registers of what depends on the layer and the mode alone."""
        layer = self.layer
        pool = self.mode == Mode.POOL
        values = {
            # what padding and stride add to a coordinate before it is divided by the stride
            "reach": layer.padding - layer.kernel + (Const(1, 5) << layer.stride),
            "last_y": layer.height - 1,
            "last_x": layer.width - 1,
            "dense_rows": ((layer.groups - 1) >> 3)[: self.config.map_bits],
            "outside_tail": ((1 << ROW) - 2 << (layer.groups - 1)[:3])[:ROW],
            "base": Mux((self.mode == Mode.FORWARD) | pool, layer.state_base, layer.error_base),
            "weight_step": Mux(layer.dense, layer.rows << 3, -(layer.kernel << layer.stride))[:16],
            "word_step": Mux(layer.dense, ROW, self.layer_stride),
            "sparse": (self.mode == Mode.GRADIENT) | (self.mode == Mode.BACKWARD),
            "backward": self.mode == Mode.BACKWARD,
            "pool": pool,
        }
        registers = {}
        for name, value in values.items():
            registers[name] = Signal(value.shape(), name=name, reset_less=True)
            m.d.sync += registers[name].eq(value)
        return registers

    def _stage(self, m, name, move, fields):
        """Add a pipeline register of the given values; return them by name."""
        registers = {}
        for key, value in fields.items():
            registers[key] = Signal(value.shape(), name=f"{name}_{key}", reset_less=True)
            with m.If(move):
                m.d.sync += registers[key].eq(value)
        return registers

    def _addresses(self, m, move, constant):
        """Add the five stages from an event to the addresses and window of its first row."""
        config, layer, source = self.config, self.layer, self.source
        map_bits, event = config.map_bits, self.events.payload
        pool, dense = constant["pool"], layer.dense
        position = signed(map_bits + 5)
        valid = [self.events.valid]

        def following(condition=1):
            register = Signal(name=f"valid_{len(valid)}")
            with m.If(move):
                m.d.sync += register.eq(valid[-1] & condition)
            valid.append(register)

        def narrow(value, width):
            signal = Signal(width)
            m.d.comb += signal.eq(value)
            return signal

        identity = {name: event[name] for name in ("g", "lane", "bits")}
        identity["xw"] = event.xw[:2]

        def kept(stage, *names):
            return {name: stage[name] for name in (*identity, *names)}

        # 1: the padded coordinates; products of the event's own
        one = self._stage(m, "one", move, {
            **identity,
            "padded_y": narrow(event.y + layer.padding, position),
            "padded_x": narrow(event.x + layer.padding, position),
            "at_y": narrow(event.y + constant["reach"], position),
            "at_x": narrow(event.x + constant["reach"], position),
            "pool_y": (event.y >> layer.window)[:map_bits],
            "pool_x": (event.xw >> layer.window)[:map_bits],
            "py": narrow(event.y * layer.row_y, 16),
            "px": narrow(event.x * layer.row_x, 16),
            "pc": narrow(event.c * layer.row_c, 16),
            "ty": narrow(event.y * self.source_stride, 16),
            "tx": narrow(event.xw * source.groups, 16),
        })  # fmt: skip
        following()

        # 2: first and last output index
        fields = {
            **kept(one, "padded_y", "padded_x", "pool_y", "pool_x"),
            "feature": narrow(one["py"] + one["px"] + one["pc"], 16),
            "tag": narrow(one["ty"] + one["tx"] + one["g"], 16),
        }
        for axis in "yx":
            at, padded = one[f"at_{axis}"], one[f"padded_{axis}"]
            over, last = padded >> layer.stride, constant[f"last_{axis}"]
            fields[f"low_{axis}"] = narrow(Mux(at < 0, 0, at >> layer.stride), position)
            fields[f"high_{axis}"] = narrow(Mux(over < last, over, last), position)
        two = self._stage(m, "two", move, fields)
        inside = (one["pool_y"] <= constant["last_y"]) & (one["pool_x"] < layer.x_words)
        following(~pool | inside)

        # 3: the kernel's indices there, the first word's position
        fields = kept(two, "feature")
        for axis in "yx":
            low, padded = two[f"low_{axis}"], two[f"padded_{axis}"]
            fields[f"kernel_{axis}"] = narrow(padded - (low << layer.stride), 4)
        low_x, low_y = two["low_x"], two["low_y"]
        three = self._stage(m, "three", move, {
            **fields,
            "weight": narrow(layer.weight_base + two["feature"], 16),
            "tag": narrow(source.error_base + two["tag"], 16),
            "y": narrow(Mux(pool, two["pool_y"], Mux(dense, 0, low_y)), map_bits),
            "x": narrow(Mux(pool, two["pool_x"], Mux(dense, 0, low_x >> layer.pack)), map_bits),
            "y_high": narrow(
                Mux(pool, two["pool_y"], Mux(dense, constant["dense_rows"], two["high_y"])),
                map_bits,
            ),
            "x_low": narrow(Mux(dense | pool, 0, low_x), map_bits),
            "more": narrow(Mux(pool, 0, two["high_x"] - low_x), 3),
            "empty": ~pool & ~dense & ((low_y > two["high_y"]) | (low_x > two["high_x"])),
        })  # fmt: skip
        following()

        # 4: products of the window's
        names = ("feature", "tag", "y", "y_high", "x_low", "empty")
        four = self._stage(m, "four", move, {
            **kept(three, *names),
            "ny": narrow(three["y"] * self.layer_stride, 16),
            "nx": narrow(three["x"] * layer.groups, 16),
            "weight": narrow(three["weight"] + Mux(dense, 0, three["kernel_x"]), 16),
            "k": narrow(Mux(dense, 0, three["kernel_y"] * layer.kernel), 8),
            "word": narrow(constant["base"] + Mux(pool, three["g"], 0), 16),
            "outside": narrow((1 << ROW) - 2 << three["more"], ROW),
            "last": (three["y"] == three["y_high"]) | three["empty"],
        })  # fmt: skip
        following()

        # 5: sums
        five = self._stage(m, "five", move, {
            **kept(four, "feature", "tag", "y", "x_low", "empty", "outside", "last"),
            "before_last": narrow(four["y_high"] - 1, map_bits),
            "weight": narrow(four["weight"] + four["k"], 16),
            "word": narrow(four["word"] + four["ny"] + four["nx"], 16),
        })  # fmt: skip
        following()
        return five, valid[1:]

    def _filter(self, m, arriving, constant):
        """Add the counter over an event's rows, and the three stages that filter them."""
        config, layer = self.config, self.layer
        map_bits = config.map_bits

        # non-zero flags of the layer's gamma, one row of the map (or 8 groups) per address
        m.submodules.flags = flags = Memory(
            MemoryData(shape=1 << map_bits, depth=1 << map_bits, init=[]),
            attrs={"ram_style": "distributed"},
        )
        flag_in, flag_out = flags.write_port(), flags.read_port(domain="comb")
        m.d.comb += [
            flag_in.en.eq(self.flag_write),
            flag_in.addr.eq(self.flag_row),
            flag_in.data.eq(self.flag_bits),
        ]

        # the row under way
        row = Signal.like(arriving.payload, name="row", reset_less=True)
        valid = [Signal(name=f"row_valid_{stage}") for stage in range(4)]
        stall = Signal()
        m.d.comb += [
            arriving.ready.eq(~stall & (~valid[0] | row.last)),
            flag_out.addr.eq(row.y),
        ]
        with m.If(arriving.ready):
            m.d.sync += [valid[0].eq(arriving.valid), row.eq(arriving.payload)]
        with m.Elif(~stall):
            m.d.sync += [
                row["y"].eq(row["y"] + 1),
                row["last"].eq(row["y"] == row["before_last"]),
                row["weight"].eq(row["weight"] + constant["weight_step"]),
                row["word"].eq(row["word"] + constant["word_step"]),
            ]
        with m.If(~stall):
            m.d.sync += [later.eq(valid[i]) for i, later in enumerate(valid[1:])]

        # its flags; the flags from its first byte on; its mask
        kept = ("weight", "feature", "word", "y", "x_low", "tag", "g", "lane", "bits", "xw", "last")
        move = Signal()
        m.d.comb += move.eq(~stall)
        read = self._stage(m, "read", move, {
            **{name: row[name] for name in (*kept, "empty")},
            "outside": Mux(
                layer.dense, Mux(row["last"], constant["outside_tail"], 0), row["outside"]
            ),
            "flags": flag_out.data,
        })  # fmt: skip
        window = Signal(2 * ROW - 1)
        m.d.comb += window.eq(read["flags"] >> Cat(Const(0, 3), read["x_low"][3:]))
        coarse = self._stage(m, "coarse", move, {
            **{name: read[name] for name in (*kept, "empty", "outside")},
            "window": window,
        })  # fmt: skip
        mask = Signal(ROW)
        m.d.comb += mask.eq(
            ~coarse["outside"]
            & ~coarse["empty"].replicate(ROW)
            & (
                (coarse["window"] >> coarse["x_low"][:3])[:ROW]
                | (~constant["sparse"]).replicate(ROW)
            )
        )
        found = self._stage(m, "found", move, {
            **{name: coarse[name] for name in kept},
            "mask": mask,
            "any": mask.any(),
        })  # fmt: skip

        emitted, null = Signal(), Signal()
        m.d.comb += null.eq(constant["backward"] & found["last"] & ~emitted & ~found["any"])
        with m.If(valid[3] & ~stall):
            m.d.sync += emitted.eq(~found["last"] & (emitted | found["any"]))
        own = {"first": ~emitted, "null": null}
        out = self._stage(m, "out", move, {
            name: own[name] if name in own else found[name] for name, _ in row_layout(config)
        })  # fmt: skip
        with m.If(~stall):
            m.d.sync += self.rows.valid.eq(valid[3] & (found["any"] | null))
        m.d.comb += [
            stall.eq(self.rows.valid & ~self.rows.ready),
            *(self.rows.payload[name].eq(value) for name, value in out.items()),
        ]
        return [*valid, self.rows.valid]
