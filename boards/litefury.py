"""LiteFury and NiteFury, Artix-7 on an M.2 card.

Clock, LEDs and PCIe: constraint files of https://github.com/RHSResearchLLC/NiteFury-and-LiteFury
(Sample-Projects/Project-0/FPGA/common/Constraints), as amaranth-boards has them. The card has no
UART: rx J2 and tx K2, 3.3 V, come out at its I/O connector P2 (names of the same pins in
LiteX-Boards' sqrl_acorn, the twin of these cards), where a USB adapter of 3.3 V can be soldered.
"""

from dataclasses import replace

from boards.board import Artix7Board, PcieEdge, Pin
from boards.ulx3s import LENET_RANDOM
from golden.core_config import CoreConfig


class LiteFury(Artix7Board):
    """LiteFury: XC7A100T."""

    name = "litefury"
    title = "RHS Research LiteFury"
    part = "xc7a100t"
    platform_class = "boards.artix7_platforms:LiteFuryPlatform"
    openxc7_part = "xc7a100tfgg484-2"
    clock_name = "clk200"
    clock = 200_000_000
    target = 100_000_000
    baud = 3_000_000
    uart_note = "connector P2: rx J2, tx K2 (3.3 V)"
    leds = (Pin("led", 0), Pin("led", 1), Pin("led", 2))
    config = CoreConfig()
    loader = ("--fpga-part", "xc7a100tfgg484")
    # XDMA's block RAMs leave 95: LeNet-1 with random classifiers; list entries of 27 bits, which
    # are three columns of 4,096 x 9, for layers of 512 channels at most
    pcie = PcieEdge(
        "pcie_x4",
        ("GTPE2_CHANNEL_X0Y6", "GTPE2_CHANNEL_X0Y4", "GTPE2_CHANNEL_X0Y5", "GTPE2_CHANNEL_X0Y7"),
        Pin("led", 3),
        replace(LENET_RANDOM, group_bits=6),
    )


class NiteFury(LiteFury):
    """NiteFury II: XC7A200T."""

    name = "nitefury"
    title = "RHS Research NiteFury II"
    part = "xc7a200t"
    platform_class = "boards.artix7_platforms:NiteFuryPlatform"
    openxc7_part = "xc7a200tfbg484-2"
    loader = ("--fpga-part", "xc7a200tfbg484")
    pcie = replace(LiteFury.pcie, config=CoreConfig())
