"""Virtual boards with small memories: quick to build, quick to simulate."""

from functools import cache

from golden.core_config import CoreConfig
from golden.formats import Formats
from host.driver import LinkBoard
from host.transport.sim import SimTransport
from hw.virtual_board.build import ROOT, build

SMALL = {
    "neuron_words": 1024,
    "error_words": 1024,
    "spike_words": 4096,
    "mask_words": 8192,
    "frame_words": 1024,
    "drive_words": 256,
    "layers": 20,
    "instructions": 128,
    "map_bits": 4,
    "group_bits": 5,
    "packet_bytes": 1024,
}

CONFIGS = {
    "P4": CoreConfig(lanes=4, pack_max=1, weight_rows=8192, class_groups=6, **SMALL),
    "P8": CoreConfig(lanes=8, pack_max=2, weight_rows=4096, class_groups=3, **SMALL),
    "P16": CoreConfig(lanes=16, pack_max=3, weight_rows=4096, class_groups=2, **SMALL),
    "P32": CoreConfig(lanes=32, pack_max=2, weight_rows=4096, class_groups=1, **SMALL),
    # every width differs from the default; no packing; the widest carry the state can hold
    "narrow": CoreConfig(
        lanes=8, pack_max=0, weight_rows=4096, class_groups=3, **SMALL,
        formats=Formats(
            weight=12, weight_fraction=11, forward_shift=1, carry=14, state=21, gamma=10,
            delta=14, gradient=16, coefficient=11, count=5,
        ),
    ),
}  # fmt: skip
"""Configurations by name; all but ``narrow`` have the default formats."""

CARD = CoreConfig(
    lanes=4, pack_max=1, weight_rows=256, neuron_words=64, error_words=64, drive_words=16,
    spike_words=128, mask_words=256, frame_words=64, class_groups=1, layers=8, instructions=48,
    map_bits=3, group_bits=3, packet_bytes=256,
)  # fmt: skip
"""Of the virtual PCIe card: about the smallest that holds a convolution with its pool."""

SAME_FORMATS = ("P4", "P8", "P16", "P32")


FOLDER = ROOT / "build" / "cosim" / "boards"


@cache
def library(name):
    """The library of a configuration, built once per source tree and shared by all workers."""
    return build(CONFIGS[name], quick=True, root=FOLDER)[0]


@cache
def card_library():
    """The library of the virtual PCIe card, with 64 bits."""
    return build(CARD, quick=True, pcie=64, root=FOLDER)[0]


def open_board(name, stall=0, seed=1):
    """A freshly reset virtual board whose streams pause in `stall` of 256 cycles."""
    return LinkBoard(SimTransport(library(name), stall=stall, seed=seed), CONFIGS[name])
