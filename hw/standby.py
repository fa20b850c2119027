"""Units whose clock stops while they have nothing to do: less for a simulator to evaluate."""

from amaranth.hdl import (
    Cat,
    ClockDomain,
    ClockSignal,
    DomainRenamer,
    Module,
    ResetSignal,
    Signal,
)

SETTLE = 5
"""Cycles after its last busy one in which a unit's valid bits and late counts still run out."""


def standby(m: Module, name: str, unit, active, *, stops: bool = False) -> None:
    """Add `unit` as a submodule whose clock runs while `active`, `SETTLE` cycles on, and in reset.

    A stopped clock is for Verilator, which then skips the unit's registers and what is made of
    them alone. Its gate is plain logic: on a chip the clock would come late, and in Amaranth's own
    simulator it races.

    Parameters
    ----------
    m : Module
        Gets the submodule.
    name : str
        The submodule's name.
    unit : Elaboratable
        In the domain ``sync``. Its pulses must have ended `SETTLE` cycles after `active` has
        fallen.
    active : Value
        The unit is in use from the next cycle on.
    stops : bool
        Without it the unit always runs, with the same results.
    """
    if not stops:
        m.submodules[name] = unit
        return
    settling = Signal(SETTLE, name=f"{name}_settling")
    running = Signal(name=f"{name}_running")
    falling = ClockDomain(f"{name}_falling", clk_edge="neg", reset_less=True, local=True)
    gated = ClockDomain(f"{name}_gated", local=True)
    m.domains += [falling, gated]
    m.d.sync += settling.eq(Cat(active, settling[:-1]))
    # It changes while the clock is low, so that the gate lets whole pulses through.
    m.d[falling.name] += running.eq(active | settling.any() | ResetSignal())
    m.d.comb += [
        falling.clk.eq(ClockSignal()),
        gated.clk.eq(ClockSignal() & running),
        gated.rst.eq(ResetSignal()),
    ]
    m.submodules[name] = DomainRenamer(gated.name)(unit)
