"""Integer arithmetic that golden and gateware share, as Amaranth expressions and small pipelines.

Each helper names its golden twin and gives the same integers. `saturate`, `round_shift` and
`popcount` are expressions without registers; `delay` and `counted` add registers to a module.
"""

from functools import reduce
from operator import or_

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value, signed

COUNT_LATENCY = 2
"""Registers inside `counted` [cycles]."""


def saturate(value, width: int):
    """Clip a signed value to the symmetric range of `width` bits.

    ``min(max(value, -2**(width-1) + 1), 2**(width-1) - 1)``; golden: `QFormat.saturate`.

    Parameters
    ----------
    value : signed expression
    width : int
        Width of the result, at least 2 [bits].

    Returns
    -------
    tuple
        The limited value, signed(width), and whether it was clipped, unsigned(1).

    Raises
    ------
    TypeError
        `value` is unsigned.
    ValueError
        `width` is below 2.
    """
    value = Value.cast(value)
    if not value.shape().signed:
        raise TypeError(f"value must be signed, not {value.shape()!r}")
    if width < 2:
        raise ValueError(f"width must be at least 2 bits, not {width!r}")
    if len(value) < width:
        return resize(value, width), C(0, 1)
    sign, high, low = value[-1], value[width - 1 :], value[: width - 1]
    clipped = Mux(sign, ~(high.all() & low.any()), high.any())
    largest = (1 << (width - 1)) - 1
    limit = Mux(sign, C(-largest, signed(width)), C(largest, signed(width)))
    return Mux(clipped, limit, value[:width].as_signed()), clipped


def resize(value, width: int):
    """Return a signed value in exactly `width` bits: sign-extended, or its low bits (a wrap).

    Golden: `QFormat.wrap`.
    """
    value = Value.cast(value)
    missing = width - len(value)
    if missing > 0:
        return Cat(value, value[-1].replicate(missing)).as_signed()
    return value[:width].as_signed()


def round_shift(value, shift: int):
    """Shift a signed value right by a constant, rounding half up.

    ``(value + 2**(shift-1)) >> shift``; golden: `golden.qformat.round_shift`. Written as the floor
    plus the last bit shifted out, which is the same integer from a shorter adder.

    Raises
    ------
    ValueError
        `shift` is negative.
    """
    value = Value.cast(value)
    if shift < 0:
        raise ValueError(f"shift must not be negative, not {shift!r}")
    if shift == 0:
        return value
    if shift > len(value):
        return C(0, signed(1))
    return (value >> shift) + Cat(value[shift - 1], C(0, 1)).as_signed()


def popcount(bits):
    """Return how many bits are set: a balanced tree of adders."""
    return _total(Value.cast(bits))


def _total(terms):
    terms = list(terms)
    while len(terms) > 1:
        pairs = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2 :]
    return terms[0]


def at_most(limit: int, bits):
    """Return whether at most `limit` of some bits are set: a tree of look-up tables, no carries."""
    bits = Value.cast(bits)
    if len(bits) <= 4:
        return Array(number.bit_count() <= limit for number in range(1 << len(bits)))[bits]
    half = len(bits) // 2
    return reduce(
        or_,
        (at_most(low, bits[:half]) & at_most(limit - low, bits[half:]) for low in range(limit + 1)),
    )


def without_lowest(bits):
    """Return some bits with the lowest set one cleared, ``bits & (bits - 1)`` without carries."""
    bits = Value.cast(bits)
    return Cat(bit & bits[:place].any() for place, bit in enumerate(bits))


def counted(m: Module, bits, name: str) -> Signal:
    """Add a popcount with two registers (`COUNT_LATENCY`): eights first, then their sum."""
    bits = Value.cast(bits)
    parts = []
    for start in range(0, len(bits), 8):
        part = Signal(range(9), name=f"{name}_{start}")
        m.d.sync += part.eq(_total(bits[start : start + 8]))
        parts.append(part)
    total = Signal(range(len(bits) + 1), name=f"{name}_count")
    m.d.sync += total.eq(_total(parts))
    return total


def delay(m: Module, value, cycles: int, name: str, *, reset_less: bool = True) -> Signal:
    """Add `cycles` registers; flags that qualify data keep their reset (``reset_less=False``)."""
    for stage in range(cycles):
        register = Signal.like(Value.cast(value), name=f"{name}_{stage + 1}", reset_less=reset_less)
        m.d.sync += register.eq(value)
        value = register
    return value


def split(word, lanes: int) -> list:
    """Return the signed lanes of a memory word, lane 0 in the low bits."""
    width = len(word) // lanes
    return [word[i * width : (i + 1) * width].as_signed() for i in range(lanes)]
