"""Checks of configuration fields, with one wording for all messages."""

from __future__ import annotations

from collections.abc import Mapping


def require_integer(name: str, value: object, low: int, high: int, unit: str = "") -> None:
    """Check one integer within inclusive bounds; see `require_integers`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low} and {high}{unit}, not {value}")


def require_integers(record: object, bounds: Mapping[str, tuple[int, int]], unit: str = "") -> None:
    """Check that named attributes are integers within inclusive bounds.

    Parameters
    ----------
    record : object
        Holds the attributes.
    bounds : mapping
        Smallest and largest value by attribute name.
    unit : str
        Follows the bounds in the message.

    Raises
    ------
    TypeError
        An attribute is not an int.
    ValueError
        An attribute is out of bounds; the message names it, the bounds and the value.
    """
    for name, (low, high) in bounds.items():
        require_integer(name, getattr(record, name), low, high, unit)
