"""The core as it is built for a part."""

from boards.fit import banks_for
from boards.parts import Part
from golden.core_config import CoreConfig
from hw.core import Core
from hw.tiling import Tiling


def core_for(config: CoreConfig, part: Part) -> Core:
    """Return the core for the multipliers and block RAMs of a part."""
    tiling = Tiling(part.tiles, banks_for(config, part)) if part.tiles else None
    return Core(config, part.multiplier, tiling)
