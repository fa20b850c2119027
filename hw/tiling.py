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


FEW_ROWS = 32
"""Rows behind a column's last whole tile that are left to look-up tables, a 16th of a tile at most:
a block RAM would stand empty, and wires go to each."""


def banks_of(depth: int, shape: Shape) -> tuple[int, int]:
    """Return the block RAMs of a column of a shape, and the rows behind them in look-up tables."""
    whole, rest = divmod(depth, shape.depth)
    if whole and rest <= min(FEW_ROWS, shape.depth // 16):
        return whole, rest
    return whole + 1 if rest else whole, 0


def _selected(depth: int, shape: Shape) -> int:
    """Return among how many tiles a column of a shape chooses, look-up tables included."""
    whole, few = banks_of(depth, shape)
    return whole + (few > 0)


def tiles(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int | None = MOST_BANKS
) -> list[tuple[Shape, int]]:
    """Return the columns of a memory: a shape each, and the bits of a row that it holds.

    A column of a shape takes ``ceil(depth / shape.depth)`` tiles, `banks` at most, the last of them
    in look-up tables if it has `FEW_ROWS` at most; deeper shapes have fewer, which saves a
    selection, and longer wires. Different columns may have different
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
    fewest = min(_selected(depth, shape) for shape in shapes)
    most = max(fewest, banks) if banks is not None else depth
    allowed = tuple(shape for shape in shapes if _selected(depth, shape) <= most)
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
            cost, chosen, columns = best[max(0, bits - shape.width)]
            cost += banks_of(depth, shape)[0] * shape.cost
            chosen += (_selected(depth, shape) - 1) * min(bits, shape.width)
            options.append((cost, chosen, (*columns, shape)))
        best.append(min(options, key=lambda option: option[:2]))
    return best[width]


def block_rams(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int | None = MOST_BANKS
) -> float:
    """Return the block RAMs that a memory takes, halves counted as 0.5."""
    columns = tiles(depth, width, shapes, banks)
    return sum(banks_of(depth, shape)[0] * shape.cost for shape, _ in columns)


def few_rows(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int | None = MOST_BANKS
) -> list[tuple[int, int]]:
    """Return rows and bits of the columns' last tiles that are in look-up tables."""
    parts = (
        (banks_of(depth, shape)[1], bits) for shape, bits in tiles(depth, width, shapes, banks)
    )
    return [(rows, bits) for rows, bits in parts if rows]
