"""Units that stand still while they have nothing to do: less power, and less to simulate."""

from amaranth.hdl import Cat, EnableInserter, Module, Signal

SETTLE = 4
"""Cycles after its last busy one in which a unit's valid bits and late counts still run out."""


def standby(m: Module, name: str, unit, active) -> None:
    """Add `unit` as a submodule whose registers are enabled while `active` and `SETTLE` cycles on.

    Parameters
    ----------
    m : Module
        Gets the submodule.
    name : str
        The submodule's name.
    unit : Elaboratable
        Its pulses must have ended `SETTLE` cycles after `active` has fallen.
    active : Value
        The unit is in use in this cycle.
    """
    settling = Signal(SETTLE, name=f"{name}_settling")
    m.d.sync += settling.eq(Cat(active, settling[:-1]))
    m.submodules[name] = EnableInserter(active | settling.any())(unit)
