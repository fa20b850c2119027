"""Lane wiring of packed words: rotation between slots, and the lanes of an average pool."""

from amaranth.hdl import Array, Cat, Const, Mux, Signal, signed

from golden.core_config import CoreConfig

TOGETHER = 4
"""Neighbouring lanes that share a copy of what all need; more of them lie far from each other."""


def rotation(slot, pack, config: CoreConfig):
    """Return the rotation, in finest slots, that moves slot 0 to `slot` at packing `pack`.

    The finest slot has ``P >> pack_max`` lanes.
    """
    amount = Signal(max(1, config.pack_max))
    choices = [slot << (config.pack_max - p) for p in range(config.pack_max + 1)]
    chosen = choices[0] if config.pack_max == 0 else Array(choices)[pack]
    return amount, amount.eq(chosen)


def rotate(m, lanes: list, amount, config: CoreConfig, *, right: bool = False) -> list:
    """Rotate lanes left (towards higher lanes) by `amount` finest slots, or right.

    A logarithmic shifter of `pack_max` 2:1 stages.
    """
    count = len(lanes)
    unit = config.lanes >> config.pack_max
    for bit in range(config.pack_max):
        by = unit << bit
        moved = []
        for i in range(count):
            source = (i + by) % count if right else (i - by) % count
            lane = Signal(signed(len(lanes[i])))
            m.d.comb += lane.eq(Mux(amount[bit], lanes[source], lanes[i]))
            moved.append(lane)
        lanes = moved
    return lanes


def slot_mask(pack, config: CoreConfig) -> list:
    """Return a condition per lane: it lies in slot 0 at packing `pack`."""
    return [
        Cat(*(Const(lane < (config.lanes >> p)) for p in range(config.pack_max + 1))).bit_select(
            pack, 1
        )
        for lane in range(config.lanes)
    ]


def pool_lanes(m, bits, xw, pack, window, config: CoreConfig) -> list:
    """Count the spikes that each lane of a pool word gets from one word of its source.

    Source position ``x = (xw << pack) + slot`` feeds pool position ``x >> window``, which stands in
    slot ``(x >> window) mod 2**pack`` of its word.

    Returns
    -------
    list
        One unsigned value per lane, at most ``2**window``.
    """
    lanes = config.lanes
    options = []
    for p in range(config.pack_max + 1):
        slots, size = 1 << p, lanes >> p
        for w in (1, 2):
            counts = []
            for lane in range(lanes):
                slot, channel = divmod(lane, size)
                terms = []
                for source in range(slots):
                    # (x >> w) mod 2**p depends on the low p + w bits of x
                    matches = [
                        phase
                        for phase in range(1 << w)
                        if (((phase << p) + source) >> w) % slots == slot
                    ]
                    if not matches:
                        continue
                    bit = bits[source * size + channel]
                    hit = Cat(*(Const(phase in matches) for phase in range(1 << w)))
                    terms.append(bit & hit.bit_select(xw[:w], 1))
                counts.append(sum(terms[1:], terms[0]) if terms else Const(0))
            options.append((p, w, counts))
    out = [Signal(3, name=f"pooled_{lane}") for lane in range(lanes)]
    with m.Switch(Cat(window[:2], pack)):
        for p, w, counts in options:
            with m.Case(p << 2 | w):
                m.d.comb += [o.eq(c) for o, c in zip(out, counts, strict=True)]
    return out
