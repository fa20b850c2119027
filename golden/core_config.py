"""Maxima of one bitstream: lanes, memory depths, formats; shared by gateware, host and golden."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

from golden.checks import require_integers
from golden.formats import Formats


def clog2(value: int) -> int:
    """Return the bits needed to count `value` different things, at least 1."""
    return max(1, (value - 1).bit_length())


@dataclass(frozen=True)
class CoreConfig:
    """What a bitstream can hold; any network that fits runs without a new synthesis.

    Parameters
    ----------
    lanes : int
        P, neurons or weights handled per cycle; a power of two.
    pack_max : int
        Up to 2**pack_max positions of a narrow layer share one word.
    weight_rows : int
        Depth of the W and V memories [rows of P weights].
    neuron_words : int
        Depth of the U memory [words of P neurons].
    error_words : int
        Depth of the gamma, e and keep memories: one block's neurons [words].
    drive_words : int
        Further words of the e memory for direct encoding: neurons of the first layer [words].
    spike_words : int
        Depth of the spike lists of an interval [list entries].
    mask_words : int
        Depth of the mask lists of an interval of one block [list entries].
    frame_words : int
        Depth of one of the two input frame buffers [list entries].
    class_groups : int
        Classes are counted in up to this many words of P.
    layers : int
        Rows of the layer table, the input frame included.
    instructions : int
        Depth of the program.
    map_bits : int
        Maps have up to 2**map_bits rows and columns.
    group_bits : int
        Layers have up to 2**group_bits groups of P channels.
    packet_bytes : int
        Longest packet payload the link takes [bytes].
    formats : Formats
        Widths of all numbers.

    Raises
    ------
    TypeError, ValueError
        A field is out of its bounds; the message names it.
    """

    lanes: int = 16
    pack_max: int = 2
    weight_rows: int = 6144
    neuron_words: int = 1024
    error_words: int = 512
    drive_words: int = 512
    spike_words: int = 2048
    mask_words: int = 5120
    frame_words: int = 1280
    class_groups: int = 4
    layers: int = 32
    instructions: int = 128
    map_bits: int = 6
    group_bits: int = 7
    packet_bytes: int = 4096
    formats: Formats = field(default_factory=Formats)

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        "lanes": (4, 64),
        "pack_max": (0, 3),
        "weight_rows": (16, 65536),
        "neuron_words": (8, 65536),
        "error_words": (8, 65536),
        "drive_words": (0, 65536),
        "spike_words": (8, 65536),
        "mask_words": (8, 65536),
        "frame_words": (8, 32768),
        "class_groups": (1, 64),
        "layers": (3, 64),
        "instructions": (8, 256),
        "map_bits": (2, 7),
        "group_bits": (1, 8),
        "packet_bytes": (64, 16384),
    }

    def __post_init__(self) -> None:
        require_integers(self, self.BOUNDS)
        if self.lanes & (self.lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {self.lanes}")
        if self.lanes >> self.pack_max < 2:
            raise ValueError(
                f"pack_max must leave 2 of {self.lanes} lanes a position, not {self.pack_max}"
            )
        if not isinstance(self.formats, Formats):
            raise TypeError(f"formats must be Formats, not {self.formats!r}")

    @property
    def entry_bits(self) -> int:
        """Width of a list entry: P bits, y, x word, group and the last flag."""
        return self.lanes + 2 * self.map_bits + self.group_bits + 1

    @property
    def memory_shapes(self) -> dict[str, tuple[int, int]]:
        """Depth and width [bits] of every memory that grows with P or the network."""
        f, p = self.formats, self.lanes
        return {
            "weights": (self.weight_rows, p * f.weight),
            "momentum": (self.weight_rows, p * f.gradient),
            "state": (self.neuron_words, p * f.state),
            "gamma": (self.error_words, p * f.gamma),
            "delta": (self.error_words + self.drive_words, p * f.delta),
            "keep": (self.error_words, p),
            "spikes": (self.spike_words, self.entry_bits),
            "masks": (self.mask_words, self.entry_bits),
            "frames": (2 * self.frame_words, self.entry_bits),
        }

    def with_lanes(self, lanes: int) -> CoreConfig:
        """Return these maxima for another number of lanes.

        With fewer lanes the memories get deeper, so that they hold the same number of bits.

        Raises
        ------
        ValueError
            `lanes` is no power of two between 4 and 64, or a memory gets too deep.
        """
        pack = min(self.pack_max, max(0, lanes.bit_length() - 2))
        wider = replace(self, lanes=lanes, pack_max=pack)
        if lanes >= self.lanes:
            return wider
        more = self.lanes // lanes
        depths = (
            "weight_rows", "neuron_words", "error_words", "spike_words", "mask_words",
            "frame_words", "class_groups",
        )  # fmt: skip
        return replace(wider, **{name: getattr(self, name) * more for name in depths})

    def to_words(self) -> dict[str, int]:
        """Return every field as a number, formats flattened with the prefix ``format_``."""
        words = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "formats"}
        words |= {f"format_{f.name}": getattr(self.formats, f.name) for f in fields(Formats)}
        return words

    @classmethod
    def from_words(cls, words: dict[str, int]) -> CoreConfig:
        """Build a configuration from `to_words`'s numbers."""
        prefix = "format_"
        formats = {k[len(prefix) :]: v for k, v in words.items() if k.startswith(prefix)}
        own = {k: v for k, v in words.items() if not k.startswith(prefix)}
        return cls(**own, formats=Formats(**formats))

    @property
    def hash(self) -> int:
        """CRC-32 of all fields: two sides with equal hashes agree on every width and depth."""
        text = ",".join(f"{name}={value}" for name, value in self.to_words().items())
        return zlib.crc32(text.encode())
