"""Rows and list entries as the memories hold them."""

from golden.core_config import CoreConfig
from golden.layout import MapLayout


def to_word(lanes, width: int) -> int:
    """Pack lane values into one row, lane 0 lowest."""
    return sum((int(v) & ((1 << width) - 1)) << (i * width) for i, v in enumerate(lanes))


def from_word(word: int, count: int, width: int) -> list[int]:
    """Return the signed lanes of a row."""
    values = [word >> (i * width) & ((1 << width) - 1) for i in range(count)]
    return [v - (1 << width) if v >> (width - 1) else v for v in values]


def list_entries(bits_map, words: MapLayout, config: CoreConfig) -> list[int]:
    """Return the list entries of a map of bits (H, W, C)."""
    lanes = words.to_lanes(bits_map.astype("int64"))
    groups, x_words = words.groups, words.x_words
    entries = []
    for word, bits in enumerate(lanes):
        last = word == len(lanes) - 1
        if not bits.any() and not last:
            continue
        place_, g = divmod(word, groups)
        y, x = divmod(place_, x_words)
        value, offset = 0, 0
        for part, width in (
            (to_word(bits, 1), config.lanes),
            (y, config.map_bits),
            (x, config.map_bits),
            (g, config.group_bits),
            (int(last), 1),
        ):
            value |= part << offset
            offset += width
        entries.append(value)
    return entries
