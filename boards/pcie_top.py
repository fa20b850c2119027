"""Top level of a PCIe card: clock, DMA core, LEDs, accelerator."""

from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Const,
    DomainRenamer,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.lib import io

from boards import xdma
from boards.board import Board
from boards.core import core_for
from boards.top import pin_port
from golden.core_config import CoreConfig
from hw.clocking import ClockReset
from hw.pcie_accelerator import PcieAccelerator

__all__ = ["PcieTop"]


class PcieTop(Elaboratable):
    """The accelerator behind XDMA on a card's pins.

    The accelerator runs on the card's oscillator and the core on the clock of the slot, so that
    either may stand still. PERST resets the core alone, which resets the accelerator.

    Parameters
    ----------
    board : Board
        With `pcie`.
    config : CoreConfig
        Maxima and formats.
    target : int, optional
        Clock of the accelerator [Hz]; the board's by default.
    core : Component, optional
        Stands in for the core, see `hw.accelerator.Accelerator`.

    Raises
    ------
    ValueError
        The board is no PCIe card, or no PLL makes the clock.
    """

    def __init__(self, board: Board, config: CoreConfig, target: int | None = None, core=None):
        if board.pcie is None:
            raise ValueError(f"{board.title} is no PCIe card")
        self._board = board
        target = board.target if target is None else target
        self._pll = None if target == board.clock else board.pll(board.setting(target))
        core = core_for(config, board.limits) if core is None else core
        self._accelerator = PcieAccelerator(config, xdma.WIDTH, core=core)

    def elaborate(self, platform):
        m = Module()
        board, accelerator = self._board, self._accelerator
        m.domains.board = ClockDomain()  # the accelerator has its own domain sync
        m.submodules.clocking = clocking = DomainRenamer("board")(ClockReset(self._pll))
        m.submodules.accelerator = accelerator
        m.submodules.clock_pin = clock_pin = io.Buffer(
            "i", platform.request(board.clock_name, 0, dir="-")
        )
        pcie = platform.request(board.pcie.resource, 0, dir="-")
        reference, link_up = Signal(), Signal()
        m.submodules.reference = Instance(
            "IBUFDS_GTE2", i_I=pcie.clk.p, i_IB=pcie.clk.n, i_CEB=Const(0), o_O=reference
        )
        m.submodules.perst_pin = perst = io.Buffer("i", pcie.perst_n)
        m.submodules.clkreq_pin = clkreq = io.Buffer("o", pcie.clkreq_n)
        m.submodules.xdma = xdma.instance(accelerator, reference, perst.i, pcie, link_up)
        m.d.comb += [
            clocking.clock.eq(clock_pin.i),
            accelerator.clk.eq(ClockSignal("board")),
            accelerator.rst.eq(ResetSignal("board")),
            clkreq.o.eq(0),  # the slot's clock is always wanted
        ]
        shown = (accelerator.alive, accelerator.training, accelerator.error, link_up)
        asked: dict = {}
        leds = (*board.leds, board.pcie.led)
        for number, (pin, level) in enumerate(zip(leds, shown, strict=True)):
            buffer = io.Buffer("o", pin_port(platform, pin, asked))
            m.submodules[f"led{number}_pin"] = buffer
            m.d.comb += buffer.o.eq(level)
        return m
