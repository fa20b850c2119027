"""Build folder of a PCIe card: the accelerator behind AMD's XDMA, for Vivado alone.

openXC7 has no XDMA, which is encrypted and made by Vivado.
"""

import shutil
from dataclasses import replace
from pathlib import Path

from amaranth.build import DiffPairs

from boards import artix7, xdma
from boards.board import Artix7Board, Board, BoardError, PcieEdge
from boards.parts import Part
from boards.pcie_top import PcieTop
from golden.core_config import CoreConfig

AXI_CLOCK = 125_000_000
"""Of the DMA core's streams [Hz]."""

NEXT = "PCIe: load the driver, then --board pcie:/dev/xdma0 (docs/pcie.md)"
"""What follows when the card is configured."""

FLASH_SCRIPT = """\
set_property BITSTREAM.CONFIG.EXTMASTERCCLK_EN Div-1 [current_design]
set_property BITSTREAM.CONFIG.SPI_FALL_EDGE YES [current_design]
"""
"""Read the flash with the card's own clock, as the sample project does: a slot looks for its card
soon after it has power."""

BUILD_SCRIPT = """\
#!/bin/sh
# {title} with PCIe: makes {name}.bit with Vivado.
set -eu
cd "$(dirname "$0")"
rm -f top.bit {name}.bit
command -v vivado >/dev/null || {{ echo "vivado is not on the path" >&2; exit 2; }}
vivado -mode batch -nojournal -log vivado.log -source vivado.tcl
mv top.bit {name}.bit
echo "made $(pwd)/{name}.bit"
"""


def bitstream_name(board: Board) -> str:
    """Return the name of folder and bitstream, which differ from those with a UART."""
    return f"{board.name}_pcie"


def edge(board: Board) -> PcieEdge:
    """Return the PCIe fingers of a board.

    Raises
    ------
    BoardError
        It has none.
    """
    if board.pcie is None:
        raise BoardError(f"{board.name} is no PCIe card")
    return board.pcie


def limits(board: Board) -> Part:
    """Return what the part has for the accelerator beside the DMA core."""
    return replace(board.limits, ram=board.limits.ram - xdma.BLOCK_RAMS)


def write_folder(
    board: Artix7Board, config: CoreConfig, target: int, folder: Path, core=None
) -> Path:  # fmt: skip
    """Write the build folder and return the script that makes the bitstream.

    Raises
    ------
    BoardError
        The board is no PCIe card, or amaranth-boards is not installed.
    ValueError
        The clock cannot be made.
    """
    platform = board.platform(toolchain="Vivado")
    oscillator = platform.lookup(board.clock_name).ios[0]
    clock = f"{board.clock_name}_0__{'p' if isinstance(oscillator, DiffPairs) else 'io'}"
    fastest = max(AXI_CLOCK, board.made_clock(target))
    files = platform.prepare(
        PcieTop(board, config, target, core),
        "top",
        script_after_read=xdma.ip_script(),
        script_after_synth=xdma.place_script(edge(board).channels)
        + xdma.clocks_script(clock, float(1e9 / fastest)),
    ).files
    before, write, after = files["top.tcl"].partition("write_bitstream ")
    name = bitstream_name(board)
    texts = {
        "top.v": files["top.v"],
        "top.xdc": files["top.xdc"],
        "vivado.tcl": before + FLASH_SCRIPT + artix7.SLACK_CHECK + write + after,
        "build.sh": BUILD_SCRIPT.format(title=board.title, name=name),
    }
    return artix7.write_files(folder, texts)


def build(
    board: Artix7Board, config: CoreConfig, target: int, folder: Path, core=None, report=print
) -> Path:  # fmt: skip
    """Write the build folder and make the bitstream with Vivado.

    Raises
    ------
    MissingToolsError, BoardError, ToolError
        See `boards.artix7.build`.
    """
    bitstream = folder / f"{bitstream_name(board)}.bit"
    bitstream.unlink(missing_ok=True)
    script = write_folder(board, config, target, folder, core)
    missing = "" if shutil.which("vivado") else "vivado (openXC7 has no DMA core for PCIe)"
    return artix7.run_script(script, bitstream, missing, report)
