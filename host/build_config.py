"""The ``config.json`` beside a bitstream or a virtual board: what the board must hold."""

import json
from pathlib import Path

from golden.core_config import CoreConfig
from host.transport.uart import USUAL_BAUD


def read(path: Path) -> tuple[CoreConfig, int]:
    """Return configuration and baud rate [bit/s].

    Raises
    ------
    OSError
        There is no file.
    ValueError
        The file is none of a build folder; the message names it.
    """
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
        return CoreConfig.from_words(words["config"]), int(words.get("baud", USUAL_BAUD))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no config.json of a build folder: {error!r}") from error
