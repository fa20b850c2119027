"""Signals between the parts of the accelerator: records, list entries, memory ports, core ports."""

from amaranth.hdl import signed, unsigned
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out, Signature

from golden.core_config import CoreConfig, clog2
from host.protocol.fields import Record
from host.protocol.packets import UART_PHASE_BITS, Space
from host.protocol.program import JOB, LAYER

READ_LATENCY = 4
"""Cycles from an address on a memory read port to its data: `hw.memory.BlockMemory`."""


def layout_of(record: Record) -> data.StructLayout:
    """Return the Amaranth layout of a protocol record, fields at the same bits."""
    return data.StructLayout(
        {f.name: signed(f.width) if f.signed else unsigned(f.width) for f in record}
    )


JOB_LAYOUT = layout_of(JOB)
LAYER_LAYOUT = layout_of(LAYER)


def entry_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of a list entry: a word's set bits and where the word stands.

    ``last`` marks the map's last word, which is always listed, even when no bit is set. Other words
    are listed only when a bit is set. Entries ascend in word index.
    """
    return data.StructLayout(
        {
            "bits": config.lanes,
            "y": config.map_bits,
            "x": config.map_bits,
            "g": config.group_bits,
            "last": 1,
        }
    )


def read_port(depth: int, width: int) -> Signature:
    """Return a user's side of a read port: data follows the address by `READ_LATENCY` cycles."""
    return Signature({"address": Out(clog2(depth)), "data": In(width)})


def write_port(depth: int, width: int) -> Signature:
    """Return a user's side of a write port."""
    return Signature({"enable": Out(1), "address": Out(clog2(depth)), "data": Out(width)})


PART = 64
"""Bits of a row that pass between link and core at a time: rows are wide, the core is too."""

RESULT_SPACE = max(Space) + 1
"""Counts of an interval, read like rows of a space, 16 bits each; the address is {slot, group}."""

PART_LATENCY = 4
"""Cycles from `shift` to the next part of a row that is read."""


def access_port() -> Signature:
    """Return the link's side of the core's row access, one row at a time.

    Every space has a register of a row, in parts of `PART` bits. A pulse of `shift` moves it down
    by a part, and `write_data` enters at its top; a pulse of `write`, not before that of the last
    part, stores the row at `address` of `space`. A pulse of `read` fetches it. Both are answered by
    one of `done`; the link holds `space` and `address` until then. The lowest part of a row that
    was read stands in `read_data` with `done`, the next one `PART_LATENCY` cycles after each
    `shift`. The core is not `running`, unless rows of `RESULT_SPACE` are read; the link checks that
    `address` is inside the space. Space REGISTERS is the link's own and not used here.
    """
    return Signature(
        {
            "space": Out(4),
            "address": Out(16),
            "shift": Out(1),
            "read": Out(1),
            "write": Out(1),
            "write_data": Out(PART),
            "done": In(1),
            "read_data": In(PART),
        }
    )


def uart_port() -> Signature:
    """Return the link's side of the UART that carries it; where there is none its inputs are 0.

    ``clock`` [Hz], ``default`` and ``step`` (what a bit's phase grows per clock) are registers of
    the link. ``write`` pulses when ``value`` is written as the step. ``request`` is high while the
    link holds a request whose CRC is right.
    """
    return Signature(
        {
            "clock": In(32),
            "default": In(UART_PHASE_BITS),
            "step": In(UART_PHASE_BITS),
            "write": Out(1),
            "value": Out(32),
            "request": Out(1),
        }
    )


def core_signature(config: CoreConfig) -> dict:
    """Return the members of the core component, the link's counterpart.

    ``job`` is taken (ready) when the core starts it. ``running`` is high from that cycle until the
    job's END; ``finished`` pulses there, when the job's counts stand in the result memory of its
    slot (parity of ``run``); ``result_groups`` is how many words the last REPORT wrote.
    ``frame_map`` is row 0 of the layer table; frames of a job are list entries at
    ``slot * frame_words + step * spike_stride``. Saturation counters pulse-accumulate inside the
    core and are cleared by ``clear_counters``, like the profile memory (which takes as many cycles
    as it has rows; ``running`` is high meanwhile).
    """
    return {
        "job": In(stream.Signature(JOB_LAYOUT)),
        "running": Out(1),
        "finished": Out(1),
        "result_groups": Out(8),
        "frame_map": Out(LAYER_LAYOUT),
        "frame_write": In(write_port(2 * config.frame_words, config.entry_bits)),
        "access": In(access_port()),
        "seed": In(32),
        "clear_counters": In(1),
        "saturated_carry": Out(32),
        "saturated_delta": Out(32),
        "saturated_gamma": Out(32),
        "saturated_weight": Out(32),
        "gradient_overflow": Out(1),
    }
