"""Clock of a board: dividers of a PLL by calculation, PLLs of ECP5 and Artix-7, reset."""

from dataclasses import dataclass
from fractions import Fraction

from amaranth.hdl import ClockSignal, Const, Instance, Module, ResetSignal, Signal
from amaranth.lib.cdc import AsyncFFSynchronizer, ResetSynchronizer
from amaranth.lib.wiring import Component, In, Out

__all__ = [
    "ECP5_PLL", "MMCM", "ClockReset", "Dividers", "Ecp5Global", "Ecp5Pll", "Mmcm", "PllLimits",
    "dividers",
]  # fmt: skip

MAX_ERROR = Fraction(1, 1000)
"""Largest relative difference between the clock that is wanted and the one that a PLL makes."""


@dataclass(frozen=True)
class PllLimits:
    """What a PLL can do.

    Parameters
    ----------
    name : str
        For messages.
    source, detector, oscillator, output : (int, int)
        Lowest and highest frequency at the input, at the phase detector, of the oscillator (VCO)
        and at the output [Hz].
    divide, multiply, output_divide : (int, int)
        Smallest and largest divider of the input, multiplier and divider of the output.
    """

    name: str
    source: tuple[int, int]
    detector: tuple[int, int]
    oscillator: tuple[int, int]
    output: tuple[int, int]
    divide: tuple[int, int]
    multiply: tuple[int, int]
    output_divide: tuple[int, int]


ECP5_PLL = PllLimits(
    "EHXPLLL",
    source=(8_000_000, 400_000_000),
    detector=(10_000_000, 400_000_000),
    oscillator=(400_000_000, 800_000_000),
    output=(3_125_000, 400_000_000),
    divide=(1, 128),
    multiply=(1, 128),
    output_divide=(1, 128),
)
"""Lattice FPGA-DS-02012, ECP5 and ECP5-5G Family Data Sheet, table "sysCLOCK PLL Timing"."""

MMCM = PllLimits(
    "MMCME2_BASE",
    source=(10_000_000, 800_000_000),
    detector=(10_000_000, 450_000_000),
    oscillator=(600_000_000, 1_200_000_000),
    output=(4_690_000, 800_000_000),
    divide=(1, 106),
    multiply=(2, 64),
    output_divide=(1, 128),
)
"""AMD DS181, table "MMCM Specification", speed grade -1 and so within the limits of -2 too; ranges
of the dividers from UG472, steps of 1/8 left out."""


@dataclass(frozen=True)
class Dividers:
    """Setting of a PLL: ``output = source / divide * multiply / output_divide``.

    Attributes
    ----------
    source : Fraction
        Clock at the input [Hz].
    divide, multiply, output_divide : int
        See `PllLimits`.
    """

    source: Fraction
    divide: int
    multiply: int
    output_divide: int

    @property
    def detector(self) -> Fraction:
        """Frequency at the phase detector [Hz]."""
        return self.source / self.divide

    @property
    def oscillator(self) -> Fraction:
        """Frequency of the oscillator [Hz]."""
        return self.detector * self.multiply

    @property
    def output(self) -> Fraction:
        """Frequency at the output [Hz]."""
        return self.oscillator / self.output_divide


def _within(value, bounds) -> bool:
    return bounds[0] <= value <= bounds[1]


def dividers(limits: PllLimits, source, target) -> Dividers:
    """Return the setting that comes nearest to a frequency within all limits.

    Among equally near ones the fastest phase detector is taken, then the fastest oscillator: both
    lower the jitter.

    Parameters
    ----------
    limits : PllLimits
        Of the PLL.
    source, target : float
        Clocks at the input and wanted at the output [Hz].

    Raises
    ------
    ValueError
        A clock is outside the limits, or no setting comes within `MAX_ERROR`.
    """
    for name, value, bounds in (
        ("source", source, limits.source),
        ("target", target, limits.output),
    ):
        if not _within(value, bounds):
            raise ValueError(
                f"{name} of {limits.name} must be {bounds[0] / 1e6:g} to {bounds[1] / 1e6:g} MHz, "
                f"not {value / 1e6:g}"
            )
    source, target = Fraction(source), Fraction(target)
    best, best_key = None, None
    for divide in range(limits.divide[0], limits.divide[1] + 1):
        if not _within(source / divide, limits.detector):
            continue
        for multiply in range(limits.multiply[0], limits.multiply[1] + 1):
            oscillator = source / divide * multiply
            if not _within(oscillator, limits.oscillator):
                continue
            output_divide = round(oscillator / target)
            if not _within(output_divide, limits.output_divide):
                continue
            found = Dividers(source, divide, multiply, output_divide)
            error = abs(found.output - target)
            key = (error, divide, -oscillator)
            if _within(found.output, limits.output) and (best is None or key < best_key):
                best, best_key = found, key
    if best is None or best_key[0] > MAX_ERROR * target:
        near = "none" if best is None else f"{float(best.output) / 1e6:.6g} MHz"
        raise ValueError(
            f"target must be a clock that {limits.name} can make from {float(source) / 1e6:g} MHz "
            f"within {float(MAX_ERROR):.1%}, not {float(target) / 1e6:g} MHz; nearest: {near}"
        )
    return best


class Ecp5Pll(Component):
    """PLL of an ECP5.

    CLKOP only closes the loop, so that its divider is the multiplier of `Dividers`; CLKOS is the
    output.

    Parameters
    ----------
    setting : Dividers
        From `dividers` with the limits `ECP5_PLL`.

    Members
    -------
    i : In(1)
        Clock of the board.
    o : Out(1)
        Clock that is made.
    locked : Out(1)
        The clock is as it should be; asynchronous.
    """

    def __init__(self, setting: Dividers):
        self._setting = setting
        super().__init__({"i": In(1), "o": Out(1), "locked": Out(1)})

    def elaborate(self, platform):
        m = Module()
        setting = self._setting
        loop = Signal()
        ties = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PLLWAKESYNC", "ENCLKOP", "ENCLKOS")
        m.submodules.pll = Instance(
            "EHXPLLL",
            # analogue part, the values that Lattice's generator writes for an integer setting
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_PLLRST_ENA="DISABLED",
            p_INTFB_WAKE="DISABLED",
            p_STDBY_ENABLE="DISABLED",
            p_DPHASE_SOURCE="DISABLED",
            p_OUTDIVIDER_MUXA="DIVA",
            p_OUTDIVIDER_MUXB="DIVB",
            p_FEEDBK_PATH="CLKOP",
            p_CLKI_DIV=setting.divide,
            p_CLKFB_DIV=1,
            p_CLKOP_ENABLE="ENABLED",
            p_CLKOP_DIV=setting.multiply,
            p_CLKOP_CPHASE=setting.multiply - 1,
            p_CLKOP_FPHASE=0,
            p_CLKOS_ENABLE="ENABLED",
            p_CLKOS_DIV=setting.output_divide,
            p_CLKOS_CPHASE=setting.output_divide - 1,
            p_CLKOS_FPHASE=0,
            i_CLKI=self.i,
            i_CLKFB=loop,
            i_PHASEDIR=Const(1),
            i_PHASESTEP=Const(1),
            i_PHASELOADREG=Const(1),
            **{f"i_{name}": Const(0) for name in ties},
            o_CLKOP=loop,
            o_CLKOS=self.o,
            o_LOCK=self.locked,
        )
        return m


class Ecp5Global(Component):
    """Buffer onto a global net of an ECP5, which reaches thousands of flip-flops in one cycle.

    Members
    -------
    i : In(1)
        Driven by a flip-flop.
    o : Out(1)
        The same on the global net.
    """

    def __init__(self):
        super().__init__({"i": In(1), "o": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = Instance("DCCA", i_CLKI=self.i, i_CE=Const(1), o_CLKO=self.o)
        return m


class Mmcm(Component):
    """Clock manager of an Artix-7 and the global buffer behind it.

    Parameters
    ----------
    setting : Dividers
        From `dividers` with the limits `MMCM`.

    Members
    -------
    i, o, locked
        As those of `Ecp5Pll`.
    """

    def __init__(self, setting: Dividers):
        self._setting = setting
        super().__init__({"i": In(1), "o": Out(1), "locked": Out(1)})

    def elaborate(self, platform):
        m = Module()
        setting = self._setting
        loop, made = Signal(), Signal()
        m.submodules.mmcm = Instance(
            "MMCME2_BASE",
            p_BANDWIDTH="OPTIMIZED",
            p_STARTUP_WAIT="FALSE",
            p_CLKIN1_PERIOD=float(1_000_000_000 / setting.source),
            p_DIVCLK_DIVIDE=setting.divide,
            p_CLKFBOUT_MULT_F=float(setting.multiply),
            p_CLKOUT0_DIVIDE_F=float(setting.output_divide),
            i_CLKIN1=self.i,
            i_CLKFBIN=loop,
            i_RST=Const(0),
            i_PWRDWN=Const(0),
            o_CLKFBOUT=loop,
            o_CLKOUT0=made,
            o_LOCKED=self.locked,
        )
        m.submodules.buffer = Instance("BUFG", i_I=made, o_O=self.o)
        return m


class ClockReset(Component):
    """Clock and reset of the domain ``sync``, which the module above declares.

    Parameters
    ----------
    pll : Component, optional
        With the members of `Ecp5Pll`; without one the board's clock is used as it is.
    reset_buffer : Component, optional
        With the members of `Ecp5Global`: spreads the reset, which then begins with a clock edge.

    Members
    -------
    clock : In(1)
        Clock of the board.
    reset : In(1)
        Button, asynchronous, 1 when pressed.
    """

    def __init__(self, pll=None, reset_buffer=None):
        self._pll, self._reset_buffer = pll, reset_buffer
        super().__init__({"clock": In(1), "reset": In(1)})

    def elaborate(self, platform):
        m = Module()
        hold = Signal()
        if self._pll is None:
            m.d.comb += [ClockSignal().eq(self.clock), hold.eq(self.reset)]
        else:
            m.submodules.pll = pll = self._pll
            m.d.comb += [
                pll.i.eq(self.clock),
                ClockSignal().eq(pll.o),
                hold.eq(self.reset | ~pll.locked),
            ]
        # released two edges after the clock runs, three with a buffer; its flip-flops start set, so
        # that there is one reset even without PLL and button
        if self._reset_buffer is None:
            m.submodules.synchroniser = ResetSynchronizer(hold)
            return m
        m.submodules.reset_buffer = buffer = self._reset_buffer
        synchronous = Signal()
        m.submodules.synchroniser = AsyncFFSynchronizer(hold, synchronous)
        driver = Signal(init=1, reset_less=True)
        m.d.sync += driver.eq(synchronous)
        m.d.comb += [buffer.i.eq(driver), ResetSignal().eq(buffer.o)]
        return m
