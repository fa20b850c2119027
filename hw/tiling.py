"""How a memory is cut into block RAMs: columns of tiles, as few block RAMs as possible."""

from functools import lru_cache
from typing import NamedTuple


class Shape(NamedTuple):
    """A way to use one block RAM as a simple dual-port memory.

    Attributes
    ----------
    depth : int
        Rows.
    width : int
        [bits].
    cost : float
        Block RAMs that it takes: 1, or 0.5 for a half.
    """

    depth: int
    width: int
    cost: float = 1.0


class Tiling(NamedTuple):
    """How the memories of a part are cut: arguments of `tiles`."""

    shapes: tuple[Shape, ...]
    banks: int | None


MOST_BANKS = 4
"""Tiles of a column at most, where a shape allows it: what one level of logic chooses among."""


def tiles(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int | None = MOST_BANKS
) -> list[tuple[Shape, int]]:
    """Return the columns of a memory: a shape each, and the bits of a row that it holds.

    A column of a shape takes ``ceil(depth / shape.depth)`` tiles, `banks` at most; deeper shapes
    have fewer, which saves a selection, and longer wires. Different columns may have different
    shapes: 128 bits of 7,680 rows are fourteen columns of 2,048 x 9 and one of 8,192 x 2, 57 block
    RAMs. Among equals the one with fewer tiles to choose among is taken. Without shapes the memory
    is one tile.

    Parameters
    ----------
    depth, width : int
        Rows and their width [bits].
    shapes : tuple of Shape
        Of the target's block RAMs.
    banks : int, optional
        None for as few block RAMs as possible.

    Raises
    ------
    ValueError
        Depth or width is below 1.
    """
    if depth < 1 or width < 1:
        raise ValueError(f"a memory has at least 1 row of 1 bit, not {depth} of {width}")
    if not shapes:
        return [(Shape(depth, width), width)]
    fewest = min(-(-depth // shape.depth) for shape in shapes)
    most = max(fewest, banks) if banks is not None else depth
    allowed = tuple(shape for shape in shapes if -(-depth // shape.depth) <= most)
    columns = list(_cheapest(depth, width, allowed)[2])
    columns.sort(key=lambda shape: -shape.width)
    result, left = [], width
    for shape in columns:
        taken = min(shape.width, left)
        result.append((shape, taken))
        left -= taken
    return result


@lru_cache(maxsize=4096)
def _cheapest(
    depth: int, width: int, shapes: tuple[Shape, ...]
) -> tuple[float, int, tuple[Shape, ...]]:
    """Return cost, bits to choose among and columns of the cheapest cover of `width` bits."""
    best: list[tuple[float, int, tuple[Shape, ...]]] = [(0.0, 0, ())]
    for bits in range(1, width + 1):
        options = []
        for shape in shapes:
            rows = -(-depth // shape.depth)
            cost, chosen, columns = best[max(0, bits - shape.width)]
            chosen += (rows - 1) * min(bits, shape.width)
            options.append((cost + rows * shape.cost, chosen, (*columns, shape)))
        best.append(min(options, key=lambda option: option[:2]))
    return best[width]


def block_rams(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int | None = MOST_BANKS
) -> float:
    """Return the block RAMs that a memory takes, halves counted as 0.5."""
    columns = tiles(depth, width, shapes, banks)
    rows = ((-(-depth // shape.depth), shape.cost) for shape, _ in columns)
    return sum(count * cost for count, cost in rows)
