"""Expected speed of a placed network: cycles by phase, samples per second, load of the link."""

import math
from dataclasses import dataclass

from golden.direct import PLANES
from golden.estimate import Estimate, estimate, input_density
from golden.layout import Layout
from golden.settings import intervals
from host.protocol.packets import CRC_BYTES, FRAMES, HEADER_BYTES, RESULT, WAIT
from host.protocol.program import JOB

FRAMING = HEADER_BYTES + CRC_BYTES + 2
"""Bytes of a packet besides its payload: type, sequence, CRC and the two END of SLIP."""
STATUS_BYTES = 1
ESCAPES = 1 + 2 / 256
"""Bytes on the stream per byte of a packet: two of 256 values are escaped."""
BITS_PER_BYTE = 10
"""Of a UART: start bit, 8 bits, stop bit."""
PCIE_CYCLES = 1
"""Cycles of the accelerator per byte of a PCIe stream; the packet link takes no more than that."""


@dataclass(frozen=True)
class LinkLoad:
    """Traffic of a training recording.

    Attributes
    ----------
    sent, received : float
        Bytes to the board and from it.
    loading : int
        Cycles that the board takes to unpack the recording's frames, one bit each.
    """

    sent: float
    received: float
    loading: int

    def cycles(self, byte_cycles: float) -> float:
        """Return the cycles that a recording keeps the link busy at `byte_cycles` cycles a byte.

        Requests and responses follow each other, and frames are unpacked while the line rests.
        """
        return (self.sent + self.received) * byte_cycles + self.loading

    def baud(self, cycles: float, clock: float) -> float:
        """Return the rate of a UART at which the link takes as long as `cycles` of computing.

        Infinite if unpacking frames alone is too slow.
        """
        seconds = (cycles - self.loading) / clock
        return (self.sent + self.received) * BITS_PER_BYTE / seconds if seconds > 0 else math.inf


def frame_bytes(bits: int, density: float) -> float:
    """Return the expected bytes of a coded frame, the shorter of bitmap and gaps."""
    spikes = bits * density
    return 1 + min(math.ceil(bits / 8), 2 + spikes + bits / 255 * math.exp(-255 * density))


def link_load(layout: Layout, steps: int) -> LinkLoad:
    """Return the expected traffic of a training recording of `steps` frames, or of an image.

    The bit planes of an image are sent once, with its first interval.
    """
    config, height_width_channels = layout.config, layout.network.input_shape
    direct = layout.network.encoding == "direct"
    bits = math.prod(height_width_channels)
    frame = frame_bytes(bits, input_density(layout.network))
    groups = layout.layers[layout.network.blocks[-1].classifier.index].map.groups
    sent = received = 0.0
    for first, length in intervals(steps, min(steps, layout.interval)):
        frames = (PLANES if first == 0 else 0) if direct else length
        packets = max(1, math.ceil(frames * frame / (config.packet_bytes - FRAMES.bytes)))
        payload = JOB.bytes + packets * FRAMES.bytes + frames * frame + WAIT.bytes
        sent += ((packets + 1) * FRAMING + payload) * ESCAPES
        counts = RESULT.bytes + 2 * groups * config.lanes
        received += ((packets + 1) * (FRAMING + STATUS_BYTES) + counts) * ESCAPES
    return LinkLoad(sent, received, (PLANES if direct else steps) * (bits + FRAMING))


def speed_lines(layout: Layout, steps: int, clock: float, baud: float) -> list[str]:
    """Return the part of the report that tells how fast the network trains.

    Parameters
    ----------
    steps : int
        T of a recording.
    clock : float
        Of the accelerator [Hz].
    baud : float
        Of the UART [bit/s].
    """
    expected: Estimate = estimate(layout, steps)
    load = link_load(layout, steps)
    cycles = expected.total
    out = [
        f"one training recording of {steps} steps, with the activity of LeNet-1 on "
        + ("MNIST's images:" if layout.network.encoding == "direct" else "N-MNIST:"),
        *(
            f"  {op:<9}{phase:>10,.0f} cycles{phase / cycles:>7.1%}"
            for op, phase in sorted(expected.by_phase().items(), key=lambda item: -item[1])
        ),
        f"  {'sum':<9}{cycles:>10,.0f} cycles, {1e3 * cycles / clock:,.2f} ms: "
        f"{clock / cycles:,.0f} recordings/s and {steps * clock / cycles:,.0f} frames/s "
        f"at {clock / 1e6:g} MHz",
        f"link: {load.sent:,.0f} bytes to the board, {load.received:,.0f} back; "
        f"{load.loading:,} cycles to unpack frames",
    ]
    links = (
        (f"UART, {baud / 1e6:g} Mbaud", BITS_PER_BYTE * clock / baud),
        ("PCIe stream", PCIE_CYCLES),
    )
    for name, byte_cycles in links:
        busy = load.cycles(byte_cycles)
        slower = max(busy, cycles)
        out.append(
            f"  {name + ':':<18}{1e3 * busy / clock:>7,.2f} ms, busy {busy / slower:.0%} of the "
            f"time, {clock / slower:,.0f} recordings/s"
        )
    limit = load.baud(cycles, clock)
    if limit < math.inf:
        out.append(f"  a UART is the limit below {limit / 1e6:.2f} Mbaud")
    else:
        out.append("  unpacking frames is the limit, whatever the link")
    return out
