"""Units that stand still while they have nothing to do: less power, and less to simulate."""

from amaranth.hdl import Cat, EnableInserter, Module, Signal

SETTLE = 4
"""Cycles after its last busy one in which a unit's valid bits and late counts still run out."""

WAKE = 1
"""Cycles from `active` to the first enabled one: the enable has thousands of loads, so that it
comes from a register."""


def standby(m: Module, name: str, unit, active, *, stops: bool = True) -> None:
    """Add `unit` as a submodule whose registers are enabled while `active` and `SETTLE` cycles on.

    Both times begin `WAKE` cycles late.

    Parameters
    ----------
    m : Module
        Gets the submodule.
    name : str
        The submodule's name.
    unit : Elaboratable
        Its pulses must have ended `SETTLE` cycles after `active` has fallen.
    active : Value
        The unit is in use from the next cycle on.
    stops : bool
        Without it the unit always runs, with the same results: an enable with thousands of loads
        all over the part costs a slow part more clock than it saves power.
    """
    if not stops:
        m.submodules[name] = unit
        return
    settling = Signal(SETTLE, name=f"{name}_settling")
    enable = Signal(name=f"{name}_enable")
    m.d.sync += [settling.eq(Cat(active, settling[:-1])), enable.eq(active | settling.any())]
    m.submodules[name] = EnableInserter(enable)(unit)
