"""Registers of the link: what the bitstream is, what it counted, the seed and the clear bits."""

from amaranth.hdl import Array, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import (
    CLEAR_COUNTERS,
    CLEAR_RUN,
    CONTROL,
    MAGIC,
    REGISTERS,
    STATUS,
    UART_PHASE_BITS,
    VERSION,
)
from hw.arith import delay

__all__ = ["Registers", "constants"]

EVENTS = ("crc_errors", "length_errors", "sequence_errors")
"""Registers that count pulses of the link."""

BANK = 8
"""Registers among which one stage of the read port chooses."""

SOURCES = tuple(
    name for name in STATUS if name not in (*EVENTS, "status", "cycles_low", "cycles_high")
)
"""Registers whose values come from elsewhere."""


def constants(config: CoreConfig) -> dict[str, int]:
    """Return the value of every register that describes the bitstream."""
    values = {"magic": MAGIC, "version": VERSION, "config_hash": config.hash}
    return values | {f"config_{name}": value for name, value in config.to_words().items()}


class Registers(Component):
    """Registers.

    Cycle and error counters are the link's own and zero with `CLEAR_COUNTERS`; error counters stop
    at their largest value.

    Parameters
    ----------
    config : CoreConfig
        Values of the read-only registers.

    Members
    -------
    address, data
        Read port; data follows the address by two cycles.
    read : In(1)
        Pulse in the cycle of an address whose data will be used.
    write, write_data : In
        Write strobe of the register at `address`.
    busy : In(1)
        Bit 0 of register ``status``.
    values_* : In(32)
        Registers counted elsewhere, see `SOURCES`.
    count_* : In(1)
        Pulses to count, see `EVENTS`.
    uart_step : In(16)
        Value of the register of this name.
    uart_write : Out(1)
        One-cycle pulse: `write_data` is written to it.
    seed : Out(32)
        Run seed.
    clear_counters, clear_run : Out(1)
        One-cycle pulses.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__(
            {
                "address": In(clog2(len(REGISTERS))),
                "data": Out(32),
                "read": In(1),
                "write": In(1),
                "write_data": In(32),
                "busy": In(1),
                **{f"value_{name}": In(32) for name in SOURCES},
                **{f"count_{name}": In(1) for name in EVENTS},
                "uart_step": In(UART_PHASE_BITS),
                "uart_write": Out(1),
                "seed": Out(32),
                "clear_counters": Out(1),
                "clear_run": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        cycles = Signal(64)
        high = Signal(32)
        place = {name: number for number, name in enumerate(REGISTERS)}
        events = {name: Signal(16, name=name) for name in EVENTS}

        values = dict(constants(self._config))
        values |= {name: getattr(self, f"value_{name}") for name in SOURCES}
        values |= events
        values |= {"status": self.busy, "cycles_low": cycles[:32], "cycles_high": high}
        values |= {"seed": self.seed, "clear": 0, "uart_step": self.uart_step}
        assert set(values) == set(REGISTERS)
        # Two stages: among the registers of a bank, then among banks.
        banks = []
        for first in range(0, len(values), BANK):
            bank = Signal(32, name=f"bank_{first}", reset_less=True)
            with m.Switch(self.address[: clog2(BANK)]):
                for name in values:
                    if first <= place[name] < first + BANK:
                        with m.Case(place[name] - first):
                            m.d.sync += bank.eq(values[name])
            banks.append(bank)
        chosen = delay(m, self.address[clog2(BANK) :], 1, "chosen")
        m.d.sync += self.data.eq(Array(banks)[chosen])
        with m.If(self.read & (self.address == place["cycles_low"])):
            m.d.sync += high.eq(cycles[32:])

        m.d.sync += [cycles.eq(cycles + 1), self.clear_counters.eq(0), self.clear_run.eq(0)]
        for name, counter in events.items():
            with m.If(getattr(self, f"count_{name}") & ~counter.all()):
                m.d.sync += counter.eq(counter + 1)
        with m.If(self.write):
            with m.Switch(self.address):
                with m.Case(place["seed"]):
                    m.d.sync += self.seed.eq(self.write_data)
                with m.Case(place["clear"]):
                    m.d.sync += [
                        self.clear_counters.eq((self.write_data & CLEAR_COUNTERS).any()),
                        self.clear_run.eq((self.write_data & CLEAR_RUN).any()),
                    ]
                with m.Case(place["uart_step"]):
                    m.d.comb += self.uart_write.eq(1)
        with m.If(self.clear_counters):
            m.d.sync += [cycles.eq(0), *(counter.eq(0) for counter in events.values())]
        assert CONTROL == ("seed", "clear", "uart_step")
        return m
