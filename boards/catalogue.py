"""All boards by name."""

from boards.arty_a7 import ArtyA7T35, ArtyA7T100
from boards.board import Board
from boards.ecpix5 import Ecpix5
from boards.litefury import LiteFury, NiteFury
from boards.ulx3s import Ulx3s

BOARDS: dict[str, Board] = {
    board.name: board
    for board in (ArtyA7T35(), ArtyA7T100(), LiteFury(), NiteFury(), Ulx3s(), Ecpix5())
}
"""Boards, Artix-7 first."""

ALIASES = {"arty_a7": "arty_a7_100"}
"""Shorter names."""


def board_named(name: str) -> Board:
    """Return the board of a name or alias.

    Raises
    ------
    ValueError
        There is none; the message lists the names.
    """
    try:
        return BOARDS[ALIASES.get(name, name)]
    except KeyError:
        names = ", ".join([*ALIASES, *BOARDS])
        raise ValueError(f"board must be one of {names}, not {name!r}") from None
