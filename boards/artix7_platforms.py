"""Platforms of the Artix-7 boards: amaranth-boards' pins, with what differs from it."""

from amaranth.build import Attrs
from amaranth_boards.arty_a7 import ArtyA7_35Platform, ArtyA7_100Platform
from amaranth_boards.nitefury import LitefuryPlatform, NitefuryIIPlatform
from amaranth_boards.resources import UARTResource

_P2 = UARTResource(0, rx="J2", tx="K2", attrs=Attrs(IOSTANDARD="LVCMOS33"))


class ArtyA7T35Platform(ArtyA7_35Platform):
    """Arty A7-35T."""


class ArtyA7T100Platform(ArtyA7_100Platform):
    """Arty A7-100T with the part of Digilent's board file, which is not the industrial one."""

    device = "xc7a100t"
    speed = "1"


class LiteFuryPlatform(LitefuryPlatform):
    """LiteFury with a UART at its connector P2."""

    resources = [*LitefuryPlatform.resources, _P2]  # noqa: RUF012


class NiteFuryPlatform(NitefuryIIPlatform):
    """NiteFury II with a UART at its connector P2."""

    resources = [*NitefuryIIPlatform.resources, _P2]  # noqa: RUF012
