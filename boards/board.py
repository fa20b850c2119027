"""What a board is: its part, clock, pins, and the configuration that a build takes by default."""

import importlib
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

from boards.parts import PARTS, Part
from golden.core_config import CoreConfig
from hw.clocking import ECP5_PLL, MMCM, Dividers, Ecp5Global, Ecp5Pll, Mmcm, dividers
from hw.link.uart import bit_step

LINKS = ("uart", "pcie")
"""Links that a bitstream may have."""


class BoardError(RuntimeError):
    """A board cannot be built here; the message says what is missing."""


@dataclass(frozen=True)
class Pin:
    """A pin in amaranth-boards' words.

    Attributes
    ----------
    resource : str
        Name of the resource.
    number : int
        Which of them.
    part : str
        Name of the subsignal, empty if the resource is one pin.
    """

    resource: str
    number: int = 0
    part: str = ""


@dataclass(frozen=True)
class PcieEdge:
    """PCIe fingers of a card.

    Attributes
    ----------
    resource : str
        With ``clk``, ``rx`` and ``tx`` (pairs of all lanes), ``perst_n`` and ``clkreq_n``.
    channels : tuple of str
        Site of each lane's transceiver.
    led : Pin
        Shows that the link is up.
    config : CoreConfig
        Fits the part beside the DMA core.
    """

    resource: str
    channels: tuple[str, ...]
    led: Pin
    config: CoreConfig


class Board(ABC):
    """A board; its file names what is different from the class above it.

    Attributes
    ----------
    name : str
        Of the command line.
    title : str
        Vendor's name.
    part : str
        In `boards.parts.PARTS`.
    platform_class : str
        ``module:class`` that has the pins.
    clock_name : str
        Resource of the oscillator.
    clock : int
        Of the oscillator [Hz].
    target : int
        Clock of the accelerator, the timing constraint of a build [Hz].
    baud : int
        Of the UART [bit/s].
    uart : str
        Resource with ``rx`` and ``tx``.
    uart_note : str
        Where the UART comes out.
    reset : Pin, optional
        Button.
    leds : tuple of Pin
        Alive, training, error.
    high : tuple of Pin
        Outputs that have to stay 1.
    config : CoreConfig
        Fits the part.
    loader : tuple of str
        What tells openFPGALoader the board: ``--board`` with its name there, or ``--fpga-part``
        where the board has no cable of its own.
    pcie : PcieEdge, optional
        Where the board is a PCIe card.
    """

    name: str
    title: str
    part: str
    platform_class: str
    clock_name: str
    clock: int
    target: int
    baud: int
    uart = "uart"
    uart_note: str
    reset: Pin | None = None
    leds: tuple[Pin, Pin, Pin]
    high: tuple[Pin, ...] = ()
    config: CoreConfig
    loader: tuple[str, ...]
    pcie: PcieEdge | None = None

    @property
    @abstractmethod
    def tools(self) -> str:
        """What makes the bitstream, for people."""

    @abstractmethod
    def setting(self, target: int) -> Dividers:
        """Return the setting of the PLL for a clock of `target` Hz; ValueError if there is none."""

    @abstractmethod
    def pll(self, setting: Dividers):
        """Return the PLL."""

    def reset_buffer(self) -> Ecp5Global | None:
        """Return what spreads the reset, None if the tools see to that."""
        return None

    def made_clock(self, target: int) -> Fraction:
        """Return the clock that the accelerator gets when `target` Hz is asked for [Hz].

        Raises
        ------
        ValueError
            No PLL makes it, or it is too slow for the UART.
        """
        clock = Fraction(target) if target == self.clock else self.setting(target).output
        bit_step(float(clock), self.baud)
        return clock

    @property
    def limits(self) -> Part:
        """Limits of the part."""
        return PARTS[self.part]

    def platform(self, **options):
        """Return Amaranth's platform.

        Raises
        ------
        BoardError
            amaranth-boards is not installed.
        """
        module, name = self.platform_class.split(":")
        try:
            found = getattr(importlib.import_module(module), name)
        except ModuleNotFoundError as error:
            raise BoardError(
                f"the pins of {self.name} come from amaranth-boards: pip install -e '.[boards]' "
                f"({error})"
            ) from error
        return found(**options)


class Ecp5Board(Board):
    """A board with a Lattice ECP5."""

    tools = "YoWASP (Yosys, nextpnr-ecp5, ecppack), from PyPI"

    def setting(self, target: int) -> Dividers:
        return dividers(ECP5_PLL, self.clock, target)

    def pll(self, setting: Dividers):
        return Ecp5Pll(setting)

    def reset_buffer(self) -> Ecp5Global:
        return Ecp5Global()


class Artix7Board(Board):
    """A board with an AMD Artix-7.

    Attributes
    ----------
    openxc7_part : str
        Name of the part in prjxray's data base.
    """

    tools = "Vivado or openXC7, installed by you"
    openxc7_part: str

    def setting(self, target: int) -> Dividers:
        return dividers(MMCM, self.clock, target)

    def pll(self, setting: Dividers):
        return Mmcm(setting)
