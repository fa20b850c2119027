"""The core as it is built for a part."""

from boards.parts import Part
from golden.core_config import CoreConfig
from hw.core import Core


def core_for(config: CoreConfig, part: Part) -> Core:
    """Return the core for the multipliers and block RAMs of a part; its units do not stand still.

    An enable has thousands of loads all over the part: it costs more clock than it saves power.
    """
    return Core(config, part.multiplier, part.tiles, stops=False)
