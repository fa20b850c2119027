"""Build folder of an Artix-7 board, for Vivado and for openXC7.

Neither comes from PyPI. The folder holds everything that they need, and ``build.sh`` runs the one
that is found on the machine it lies on.
"""

import re
import shutil
import subprocess
from pathlib import Path

from boards.board import Artix7Board, BoardError
from boards.top import BoardTop
from boards.yowasp import ToolError
from golden.core_config import CoreConfig

OPENXC7 = ("yosys", "nextpnr-xilinx", "fasm2frames", "xc7frames2bit")
"""Tools of openXC7, in the order of their calls."""

SLACK_CHECK = """\
foreach kind {setup hold} {
    set path [lindex [get_timing_paths -$kind -max_paths 1] 0]
    set slack [get_property SLACK $path]
    if {$slack < 0} {
        puts "ERROR: timing fails ($kind): slack $slack ns, from\
 [get_property STARTPOINT_PIN $path] to [get_property ENDPOINT_PIN $path]; no bitstream is written"
        exit 1
    }
}
"""
"""Comes before the bitstream in Vivado's script."""

BUILD_SCRIPT = """\
#!/bin/sh
# {title}: makes {name}.bit with Vivado or openXC7, whichever is on the path.
set -eu
cd "$(dirname "$0")"
rm -f top.bit {name}.bit

have() {{ for tool in "$@"; do command -v "$tool" >/dev/null || return 1; done; }}

if have vivado; then
    vivado -mode batch -nojournal -log vivado.log -source vivado.tcl
elif have {openxc7}; then
    # where openXC7 keeps its data bases; the chip data base comes from its bbaexport.py and bbasm
    : "${{PRJXRAY_DB_DIR:=/snap/openxc7/current/opt/nextpnr-xilinx/external/prjxray-db}}"
    : "${{CHIPDB:=chipdb/{device}.bin}}"
    for file in "$CHIPDB" "$PRJXRAY_DB_DIR/artix7/{part}/part.yaml"; do
        [ -e "$file" ] || {{ echo "no $file: set CHIPDB and PRJXRAY_DB_DIR" >&2; exit 2; }}
    done
    yosys -q -l synth.log -p "read_verilog top.v; synth_xilinx -flatten -abc9 -arch xc7 -top top; \
write_json top.json"
    nextpnr-xilinx --chipdb "$CHIPDB" --xdc openxc7.xdc --json top.json --freq {clock} \
--seed "${{SEED:-1}}" --log nextpnr.log --fasm top.fasm
    fasm2frames --part {part} --db-root "$PRJXRAY_DB_DIR/artix7" top.fasm >top.frames
    xc7frames2bit --part_file "$PRJXRAY_DB_DIR/artix7/{part}/part.yaml" --part_name {part} \
--frm_file top.frames --output_file top.bit
else
    echo "neither vivado nor all of {openxc7} on the path" >&2
    exit 2
fi
mv top.bit {name}.bit
echo "made $(pwd)/{name}.bit"
"""


class MissingToolsError(BoardError):
    """Neither Vivado nor openXC7 is on the path; the build folder is complete."""


def missing_tools() -> str:
    """Return what is missing of both tool chains, empty if one of them is on the path."""
    absent = [tool for tool in OPENXC7 if shutil.which(tool) is None]
    if shutil.which("vivado") or not absent:
        return ""
    return f"vivado, or {', '.join(absent)} of openXC7"


def openxc7_constraints(xdc: str) -> str:
    """Return the pins and clocks of Vivado's constraints, which is what nextpnr-xilinx reads.

    It wants clocks at ports, and values without quotes.
    """
    kept = []
    for line in xdc.splitlines():
        if re.match(r"set_property (LOC|IOSTANDARD|PULL\w+|DRIVE|SLEW) .*get_ports", line):
            kept.append(re.sub(r'^(set_property \w+ )"([^"]*)"', r"\1\2", line))
        elif line.startswith("create_clock"):
            kept.append(line.replace("get_nets", "get_ports"))
    return "\n".join(kept) + "\n"


def write_folder(
    board: Artix7Board, config: CoreConfig, target: int, folder: Path, core=None
) -> Path:  # fmt: skip
    """Write the build folder and return the script that makes the bitstream.

    Raises
    ------
    BoardError
        amaranth-boards is not installed.
    ValueError
        The clock cannot be made.
    """
    top = BoardTop(board, config, target, core)
    files = board.platform(toolchain="Vivado").prepare(top, "top").files
    before, write, after = files["top.tcl"].partition("write_bitstream ")
    texts = {
        "top.v": files["top.v"],
        "top.xdc": files["top.xdc"],
        "openxc7.xdc": openxc7_constraints(files["top.xdc"]),
        "vivado.tcl": before + SLACK_CHECK + write + after,
        "build.sh": BUILD_SCRIPT.format(
            title=board.title,
            name=board.name,
            openxc7=" ".join(OPENXC7),
            part=board.openxc7_part,
            device=re.sub(r"-\d$", "", board.openxc7_part),
            clock=f"{float(board.made_clock(target)) / 1e6:.6f}",
        ),
    }
    return write_files(folder, texts)


def write_files(folder: Path, texts: dict[str, str]) -> Path:
    """Write the files of a build folder by name; return its ``build.sh``, executable."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    script = folder / "build.sh"
    script.chmod(0o755)
    return script


def build(
    board: Artix7Board, config: CoreConfig, target: int, folder: Path, core=None, report=print
) -> Path:  # fmt: skip
    """Write the build folder and make the bitstream with the tools on the path.

    Raises
    ------
    MissingToolsError
        There are no tools; the message tells what to do with the folder.
    BoardError
        amaranth-boards is not installed.
    ToolError
        A tool failed, which it also does when the timing fails.
    """
    bitstream = folder / f"{board.name}.bit"
    bitstream.unlink(missing_ok=True)
    script = write_folder(board, config, target, folder, core)
    return run_script(script, bitstream, missing_tools(), report)


def run_script(script: Path, bitstream: Path, missing: str, report=print) -> Path:
    """Run the script of a complete build folder unless tools are missing; return the bitstream.

    Raises
    ------
    MissingToolsError, ToolError
        See `build`.
    """
    folder = script.parent
    report(f"build folder {folder}")
    if missing:
        raise MissingToolsError(
            f"no bitstream: not on the path: {missing}. The build folder is complete: copy "
            f"{folder} to a machine that has it and run ./build.sh"
        )
    log = folder / "build.log"
    with open(log, "w", encoding="utf-8") as output:
        done = subprocess.run(
            ["sh", str(script.resolve())], stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode or not bitstream.is_file():
        last = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        raise ToolError(f"build.sh ended with status {done.returncode} ({log}):\n{last}")
    return bitstream
