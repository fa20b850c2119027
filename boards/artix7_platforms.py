"""Platforms of the Artix-7 boards: amaranth-boards' pins, with what differs from it."""

from amaranth.build import Attrs, Clock, DiffPairs, Pins, Resource, Subsignal
from amaranth_boards.arty_a7 import ArtyA7_35Platform, ArtyA7_100Platform
from amaranth_boards.nitefury import LitefuryPlatform, NitefuryIIPlatform
from amaranth_boards.resources import UARTResource

_P2 = UARTResource(0, rx="J2", tx="K2", attrs=Attrs(IOSTANDARD="LVCMOS33"))

_PCIE = Resource(
    "pcie_x4", 0,
    Subsignal("perst_n", Pins("J1", dir="i"), Attrs(IOSTANDARD="LVCMOS33", PULLUP="TRUE")),
    Subsignal("clkreq_n", Pins("G1", dir="o"), Attrs(IOSTANDARD="LVCMOS33")),
    Subsignal("clk", DiffPairs("F6", "E6", dir="i"), Clock(100e6)),
    Subsignal("rx", DiffPairs("B10 B8 D11 D9", "A10 A8 C11 C9", dir="i")),
    Subsignal("tx", DiffPairs("B6 B4 D5 D7", "A6 A4 C5 C7", dir="o")),
)  # fmt: skip
"""PCIe of both cards: early.xdc in the folder that boards/litefury.py names. amaranth-boards has
the same pins, but PERST as an output, and a standard for a transceiver's pins, which have none."""


class ArtyA7T35Platform(ArtyA7_35Platform):
    """Arty A7-35T."""


class ArtyA7T100Platform(ArtyA7_100Platform):
    """Arty A7-100T with the part of Digilent's board file, which is not the industrial one."""

    device = "xc7a100t"
    speed = "1"


class LiteFuryPlatform(LitefuryPlatform):
    """LiteFury with a UART at its connector P2."""

    resources = [*LitefuryPlatform.resources, _P2, _PCIE]  # noqa: RUF012


class NiteFuryPlatform(NitefuryIIPlatform):
    """NiteFury II with a UART at its connector P2."""

    resources = [*NitefuryIIPlatform.resources, _P2, _PCIE]  # noqa: RUF012
