"""The smallest core that holds a network, and the longest interval that a core holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import Network
from golden.schedule import schedule
from golden.settings import Settings

LONGEST = Settings.BOUNDS["interval"][1]
"""The longest interval that any core can be given [steps]."""


def program_length(network: Network) -> int:
    """Return the instructions of a network's program, the one that ends it included."""
    return 1 + sum(len(block) for block in schedule(network, Settings()))


def smallest(network: Network, config: CoreConfig, interval: int) -> CoreConfig:
    """Return a configuration with just what a network needs.

    Lanes, packing, longest packet and the formats are kept; only a state and a count that are too
    narrow get wider. Depths are exact: neither block RAMs nor address decoding ask for rounding.

    Parameters
    ----------
    interval : int
        k, the longest interval [steps].

    Raises
    ------
    ValueError
        The network needs more than any core has; the message names what.
    """
    layout = place(network, config, interval)
    needs = {**layout.needs, "instructions": program_length(network)}
    depths = {name: max(CoreConfig.BOUNDS[name][0], need) for name, need in needs.items()}
    widths = {
        name: max(getattr(config.formats, name), need) for name, need in layout.bits.items()
    }
    return replace(config, **depths, formats=replace(config.formats, **widths))


def longest_interval(fits: Callable[[int], bool]) -> int:
    """Return the longest interval for which ``fits(interval)`` is true, 0 if there is none.

    Needs grow with the interval, so that whatever fits also fits for a shorter one.
    """
    low, high = 0, LONGEST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
