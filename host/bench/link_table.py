"""Load of the link while it trains, and the rate of a UART that keeps up with the accelerator."""

from __future__ import annotations

import math

from host.bench.cycle_tables import CLOCK
from host.bench.measure import Run

BITS_PER_BYTE = 10
"""Of a UART: start bit, 8 bits, stop bit."""

RATES = (115_200, 921_600, 3_000_000, 6_000_000, 12_000_000)
"""Usual rates of UARTs and their adapters [bit/s]."""


def report(run: Run) -> str:
    """Return the section as text.

    Requests and responses follow each other, and while frames are unpacked (one bit of the map per
    cycle) the line rests: all of it must fit into the time that the interval before computes.
    """
    sent = run.statistics.bytes_sent / run.samples
    received = run.statistics.bytes_received / run.samples
    bits = math.prod(run.layout.network.input_shape)
    unpack = bits * run.steps / run.samples
    compute = run.core_cycles / run.samples
    traffic = (sent + received) * BITS_PER_BYTE
    kinds = ", ".join(
        f"{name} {count / run.samples:.0f} + {run.statistics.received[name] / run.samples:.0f}"
        for name, count in run.statistics.sent.items()
    )
    limit = traffic / ((compute - unpack) / CLOCK)
    out = [
        f"{sent:,.0f} bytes to the board and {received:,.0f} back per sample ({kinds})",
        f"{compute:,.0f} cycles of computing per sample, {unpack:,.0f} of unpacking frames, which "
        "the computing of the interval before hides",
        "",
        f"{'baud':>12}{'link cycles/sample':>20}{'of computing':>14}{'samples/s':>11}",
    ]
    for baud in RATES:
        cycles = traffic / baud * CLOCK + unpack
        rate = CLOCK / max(cycles, compute)
        out.append(f"{baud:>12,}{cycles:>20,.0f}{cycles / compute:>14.0%}{rate:>11,.0f}")
    out += ["", f"at 100 MHz the link stops being the limit at {limit / 1e6:.2f} Mbaud"]
    return "\n".join(out)
