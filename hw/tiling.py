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


def tiles(depth: int, width: int, shapes: tuple[Shape, ...]) -> list[tuple[Shape, int]]:
    """Return the columns of a memory: a shape each, and the bits of a row that it holds.

    A column of a shape takes ``ceil(depth / shape.depth)`` tiles. Different columns may have
    different shapes: 128 bits of 11,230 rows are seven columns of 1,024 x 18 and one of 8,192 x 2,
    79 block RAMs; eight columns of 1,024 x 18 would take 88. Among equals the one with fewer tiles
    to choose among is taken. Without shapes the memory is one tile.

    Raises
    ------
    ValueError
        Depth or width is below 1.
    """
    if depth < 1 or width < 1:
        raise ValueError(f"a memory has at least 1 row of 1 bit, not {depth} of {width}")
    if not shapes:
        return [(Shape(depth, width), width)]
    columns = list(_cheapest(depth, width, shapes)[2])
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


def block_rams(depth: int, width: int, shapes: tuple[Shape, ...]) -> float:
    """Return the block RAMs that a memory takes, halves counted as 0.5."""
    rows = ((-(-depth // shape.depth), shape.cost) for shape, _ in tiles(depth, width, shapes))
    return sum(count * cost for count, cost in rows)
