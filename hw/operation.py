"""Lane operations: what the walker hands to the datapath, one per cycle."""

from amaranth.lib import data, enum

from golden.core_config import CoreConfig


class Mode(enum.Enum, shape=2):
    """What an event's lane operations do."""

    FORWARD = 0
    GRADIENT = 1
    BACKWARD = 2
    POOL = 3


def operation_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of a lane operation.

    ``weight`` and ``word`` are addresses in the W/V and in the U or gamma memory, ``slot`` the
    position inside the word. ``issued`` is 0 for a null operation or a flush. ``first`` starts an
    event; ``null`` has no term (BACKWARD: e = 0);
    ``flush`` ends a BACKWARD walk. ``tag`` and ``lane`` name the neuron that an event came from.
    ``bits`` and ``x`` are POOL's spikes and word column. ``lanes`` counts the useful lanes.
    """
    return data.StructLayout(
        {
            "weight": 16,
            "word": 16,
            "slot": max(1, config.pack_max),
            "issued": 1,
            "first": 1,
            "null": 1,
            "flush": 1,
            "tag": 16,
            "lane": (config.lanes - 1).bit_length(),
            "bits": config.lanes,
            "x": 2,
            "lanes": (config.lanes).bit_length(),
        }
    )
