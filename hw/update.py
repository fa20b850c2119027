"""Pass that subtracts the momentum from the weights with stochastic rounding, then decays it."""

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from golden.random_bits import CHANNELS_PER_WORD, WORD
from golden.settings import MAX_SHIFT
from hw.arith import COUNT_LATENCY, counted, delay, saturate, split
from hw.interfaces import LAYER_LAYOUT, READ_LATENCY, read_port, write_port
from hw.lanes import TOGETHER
from hw.memory import COPY
from hw.random_bits import KEYS_LAYOUT, RandomWord

MAX_LEFT = 15
"""Longest left shift, q = -15."""
ADDRESS_STAGE = RandomWord.latency - READ_LATENCY
"""Cycles from a row's number to its address: both meet when the random word is there."""
WRITE_STAGE = ADDRESS_STAGE + READ_LATENCY + 5
"""Cycles from a row's number to the write of its weights."""


class UpdatePass(Component):
    """Weight update of a layer, a row of P weights per cycle (paper Eq 7, SGD with momentum).

    W and V have the formats (weight, f_w) and (gradient, f_e), q = ``layer.shift`` and
    d = ``layer.decay``; golden: `golden.gradient.update`, then `decay`::

        W := sat_weight(W - ((V + r) >> q))      r: low q bits of the row's random word; q <= 0:
                                                 exact left shift
        V := V - (V >> d), for d = 0: 0; ``layer.to_zero`` rounds V > 0 up before it is taken away

    The random word belongs to (``hash_id``, row, c_out >> 4). Rows: for g in groups, for row in
    ``layer.rows``, at address ``weight_base + g * rows + row``. Lanes beyond the last channel do
    the same to whatever they hold (0 stays 0) and are not counted.

    `done` comes ``groups * rows + 13`` cycles after `start`, with the last write; `saturated`
    follows a row's write by 2 cycles.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses; the other inputs are stable from `start` to `done`.
    layer : In(LAYER_LAYOUT)
    keys : In(KEYS_LAYOUT)
        From `KeySchedule`.
    issue, lanes : Out(1), Out(range(P + 1))
        A row passes, and its lanes that hold weights.
    saturated : Out(range(P + 1))
        Weights that were clipped.
    weight_read, weight_write, momentum_read, momentum_write : Out(read_port), Out(write_port)
        Memories of W and V.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        shapes = config.memory_shapes
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "keys": In(KEYS_LAYOUT),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "saturated": Out(range(config.lanes + 1)),
                "weight_read": Out(read_port(*shapes["weights"])),
                "weight_write": Out(write_port(*shapes["weights"])),
                "momentum_read": Out(read_port(*shapes["momentum"])),
                "momentum_write": Out(write_port(*shapes["momentum"])),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.config.lanes
        valid, last, row, group, last_group = self._rows(m)
        words = self._random_words(m, row, group)
        shift = self._shift(m)

        for ports, stage in (
            ((self.weight_read, self.momentum_read), ADDRESS_STAGE),
            ((self.weight_write, self.momentum_write), WRITE_STAGE),
        ):
            address = Signal(16, name=f"address{stage}", reset_less=True)
            with m.If(self.start):
                m.d.sync += address.eq(self.layer.weight_base)
            with m.Elif(valid[stage]):
                m.d.sync += address.eq(address + 1)
            m.d.comb += [port.address.eq(address) for port in ports]

        used = self._used(m, valid[0], last_group)
        present = delay(m, used, WRITE_STAGE - 1, "present")
        results = [
            self._weight(m, lane, words[lane // TOGETHER], shift, present[lane])
            for lane in range(lanes)
        ]
        weights, momenta, clipped = zip(*results, strict=True)
        m.d.comb += [
            self.weight_write.enable.eq(valid[WRITE_STAGE]),
            self.weight_write.data.eq(Cat(weights)),
            self.momentum_write.enable.eq(valid[WRITE_STAGE]),
            self.momentum_write.data.eq(Cat(momenta)),
            self.saturated.eq(
                counted(m, Cat(clipped) & valid[WRITE_STAGE].replicate(lanes), "saturated")
            ),
            self.issue.eq(valid[1 + COUNT_LATENCY]),
            self.lanes.eq(counted(m, delay(m, used, 1, "used"), "lanes")),
            self.done.eq(last[WRITE_STAGE]),
        ]
        return m

    def _rows(self, m):
        """Add the walk over groups and rows."""
        layer = self.layer
        row, group = Signal(16, reset_less=True), Signal(self.config.group_bits, reset_less=True)
        row_end = Signal(16, reset_less=True)
        group_end = Signal.like(group, reset_less=True)
        running, last_row, last_group = Signal(), Signal(), Signal()
        m.d.comb += [last_row.eq(row == row_end), last_group.eq(group == group_end)]
        with m.If(self.start):
            m.d.sync += [
                running.eq(1),
                row.eq(0),
                group.eq(0),
                row_end.eq(layer.rows - 1),
                group_end.eq(layer.groups - 1),
            ]
        with m.Elif(running):
            m.d.sync += row.eq(Mux(last_row, 0, row + 1))
            with m.If(last_row):
                m.d.sync += [group.eq(group + 1), running.eq(~last_group)]
        valid, last = [running], [running & last_row & last_group]
        for stage in range(1, WRITE_STAGE + 1):
            valid.append(delay(m, valid[-1], 1, f"valid{stage}", reset_less=False))
            last.append(delay(m, last[-1], 1, f"last{stage}", reset_less=False))
        return valid, last, row, group, last_group

    def _random_words(self, m, row, group):
        """Add the hashes; return a word for each few lanes, aligned with the memories' data."""
        lanes, words = self.config.lanes, []
        for part in range(-(-lanes // CHANNELS_PER_WORD)):
            random = RandomWord(-(-min(lanes, CHANNELS_PER_WORD) // TOGETHER))
            m.submodules[f"random_{part}"] = random
            if lanes <= CHANNELS_PER_WORD:
                channels = group >> (CHANNELS_PER_WORD // lanes - 1).bit_length()
            else:
                channels = Cat(C(part, (lanes // CHANNELS_PER_WORD - 1).bit_length()), group)
            tag = Signal(WORD // 2, name=f"tag_{part}")
            m.d.comb += [
                tag.eq(channels),
                random.x.eq(row),
                random.y.eq(Cat(tag, self.layer.hash_id)),
                random.keys.eq(self.keys),
            ]
            words += random.words
        return words

    def _used(self, m, valid, last_group):
        """Add the lanes of a row that hold weights; lane l of group g is channel g * P + l."""
        lanes = self.config.lanes
        rest = self.layer.channels[: (lanes - 1).bit_length()]
        mask = Signal(lanes, reset_less=True)
        with m.If(self.start):
            m.d.sync += mask.eq(Cat((rest == 0) | (rest > lane) for lane in range(lanes)))
        return (mask | (~last_group).replicate(lanes)) & valid.replicate(lanes)

    def _shift(self, m):
        """Add registers with what all lanes share: shift amounts and masks."""
        f, q = self.config.formats, self.layer.shift

        def copies(shape, name):
            """Return registers for each few lanes: amounts choose whole words."""
            starts = range(0, self.config.lanes, TOGETHER)
            return [Signal(shape, name=f"{COPY}{i}_{name}", reset_less=True) for i in starts]

        amounts, decays = copies(range(MAX_LEFT + MAX_SHIFT + 1), "amount"), copies(4, "decay")
        random_mask = Signal(MAX_SHIFT, reset_less=True)
        lost = Signal(MAX_LEFT, reset_less=True)
        rest = Signal(15, reset_less=True)  # bits of V that the decay shifts out
        right, left = Signal(range(MAX_SHIFT + 1)), Signal(range(MAX_LEFT + 1))
        rounded = Signal(4, reset_less=True)
        m.d.sync += [
            right.eq(Mux(q[-1], 0, q)),
            left.eq(Mux(q[-1], -q, 0)),
            *(amount.eq(q + MAX_LEFT) for amount in amounts),
            *(decay.eq(self.layer.decay) for decay in decays),
            rounded.eq(Mux(self.layer.to_zero, self.layer.decay, 0)),
            random_mask.eq(_ones(right, MAX_SHIFT)),
            lost.eq(_ones(left, MAX_LEFT)),
            rest.eq(_ones(rounded, 15)),
        ]
        return {
            "step": max(f.gradient, f.weight + 1),
            "amounts": amounts,
            "mask": random_mask,
            "lost": lost,
            "decays": decays,
            "rest": rest,
        }

    def _weight(self, m, lane, word, shift, present):
        """Add one lane; return W, V and clipped, all at `WRITE_STAGE`."""
        f, width = self.config.formats, shift["step"]
        amount, by = shift["amounts"][lane // TOGETHER], shift["decays"][lane // TOGETHER]

        def register(shape, name):
            return Signal(shape, name=f"{name}_{lane}", reset_less=True)

        w = split(self.weight_read.data, self.config.lanes)[lane]
        v = split(self.momentum_read.data, self.config.lanes)[lane]
        # Stage 1: V + r.
        total = register(signed(max(f.gradient, MAX_SHIFT + 1) + 1), "total")
        v1 = register(signed(f.gradient), "v1")
        m.d.sync += [
            total.eq(v + Cat(word[:MAX_SHIFT] & shift["mask"], C(0, 1)).as_signed()),
            v1.eq(v),
        ]
        # Stages 2 and 3: (V + r) >> q as a right shift by q + 15 of a number with 15 zeros below,
        # eights first; V >> d, fours first.
        raised = Cat(C(0, MAX_LEFT), total).as_signed()
        coarse, step = register(signed(width + 7), "coarse"), register(signed(width), "step")
        v_coarse = register(signed(f.gradient), "v_coarse")
        v_fine = register(signed(f.gradient), "v_fine")
        m.d.sync += [
            coarse.eq(Array(raised >> 8 * i for i in range(6))[amount[3:]]),
            step.eq(Array(coarse >> i for i in range(8))[amount[:3]]),
            v_coarse.eq(Array(v1 >> 4 * i for i in range(4))[by[2:]]),
            v_fine.eq(Array(v_coarse >> i for i in range(4))[by[:2]]),
        ]
        # A left shift that leaves `width` bits clips W, whatever W is: bits that are lost, or the
        # new sign, differ from the old sign. Bit -1 is the first 0 shifted in.
        beyond = register(1, "beyond")
        above = [
            ((v1[bit] if bit >= 0 else C(0, 1)) ^ v1[-1]) & shift["lost"][width - 2 - bit]
            for bit in range(max(-1, width - 1 - MAX_LEFT), f.gradient - 1)
        ]
        m.d.sync += beyond.eq(Cat(above).any())
        beyond = delay(m, beyond, 2, f"beyond{lane}")
        negative = delay(m, v1[-1], 3, f"negative{lane}")
        # Rounded up, a positive V loses 1 more if the shift dropped a bit.
        up = register(1, "up")
        m.d.sync += up.eq((v1[: len(shift["rest"])] & shift["rest"]).any() & ~v1[-1])
        taken = v_fine + Cat(delay(m, up, 1, f"up{lane}"), C(0, 1)).as_signed()
        # Stage 4: both differences.
        difference = register(signed(max(width, f.weight) + 1), "difference")
        v_left = register(signed(f.gradient), "v_left")
        m.d.sync += [
            difference.eq(delay(m, w, 3, f"w{lane}") - step),
            v_left.eq(Mux(by == 0, 0, delay(m, v1, 2, f"v{lane}") - taken)),
        ]
        # Stage 5: saturation.
        limited, clip = saturate(difference, f.weight)
        largest = C((1 << (f.weight - 1)) - 1, signed(f.weight))
        result, clipped = register(signed(f.weight), "result"), register(1, "clipped")
        m.d.sync += [
            result.eq(Mux(beyond, Mux(negative, largest, -largest), limited)),
            clipped.eq((beyond | clip) & present),
        ]
        return result, delay(m, v_left, 1, f"v_left{lane}"), clipped


def _ones(count, width):
    """Return `width` bits of which the lowest `count` are set."""
    return ~(C(-1, width).as_unsigned() << count)[:width]
