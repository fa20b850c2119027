"""Cycles of the walks FORWARD, GRADIENT, BACKWARD and POOL, exact, from their events.

A list entry becomes one event per set bit (POOL: one event), an event passes a *row* of output
positions per cycle (dense layers: 8 output groups), and a row issues one lane operation per cycle.
Rows and operations are two stages: a row in which nothing is to be done costs a cycle only where
the row before it has no operations left to hide it. With n operations in a row and m rows without
any behind it, that are ``max(0, m + 1 - n)`` idle cycles.

Cycles, from an instruction's start to the next one's, with N operations (null operations of
BACKWARD included) and B idle cycles::

    FORWARD, GRADIENT, POOL   N + 33 + B      9 scan, 13 to the first operation, 11 to the end
    BACKWARD                  N + 28 + B      its last sums overlap the error pass that follows
    no event at all           21, BACKWARD 15

``B <= rows without an operation``; in FORWARD of a convolution whose stride is not above its kernel
and of dense layers B = 0, in POOL B is the number of words outside the windows at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from golden.layout import MapLayout
from golden.lif import Bits, Integers
from golden.network import Layer

ROW = 8
"""Groups of a dense layer that one row of the walk spans."""

SCAN = 9
"""Cycles from the start of a walk to its first event."""

FIRST_ROW = SCAN + 11
"""Cycles from the start of a walk to its first row."""

DRAIN = 13
"""Cycles from the end of the last operation's stage to the next instruction."""

DRAIN_BACKWARD = 7
"""The same after BACKWARD's last operation: its end is marked by one more operation."""

NO_EVENT = 8
"""Cycles from the start of a walk to the end of a list without events."""

DROPPED_ROW = 1
"""Cycles by which a row without an operation ends earlier than one with an operation begins."""

DROPPED_WORD = 2
"""Cycles that a word outside the windows of a pool still takes after it has been read."""


class Rows(NamedTuple):
    """Rows of a walk over one step in their order.

    Attributes
    ----------
    operations : Integers
        Lane operations of each row, null operations included.
    null : int
        Null operations: events of BACKWARD whose output errors are all zero.
    """

    operations: Integers
    null: int


def rows(layer: Layer, groups: int, events: Bits, nonzero: Bits | None, backward: bool) -> Rows:
    """Return the rows of a walk of a layer with weights.

    Parameters
    ----------
    layer : Layer
        A convolution, dense layer or classifier.
    groups : int
        Its groups of P output channels.
    events : Bits
        Spikes, or for BACKWARD masks, of the source at one step, shape (H, W, C).
    nonzero : Bits or None
        Which output positions of a convolution, shape (H, W), or groups of a dense layer have a
        gamma that is not zero; None for FORWARD.
    backward : bool
        An event without operations issues a null operation, which writes e = 0.
    """
    if layer.kind == "conv":
        table, valid = _convolution(layer, groups, events, nonzero)
    else:
        row_count = -(-groups // ROW)
        flags = np.zeros(row_count * ROW, np.int64)
        flags[:groups] = 1 if nonzero is None else nonzero
        table = np.tile(
            flags.reshape(row_count, ROW).sum(axis=1), (int(np.count_nonzero(events)), 1)
        )
        valid = np.ones(table.shape, np.bool_)
    null = 0
    if backward:
        silent = np.flatnonzero(~table.any(axis=1))
        table[silent, valid[silent].sum(axis=1) - 1] = 1
        null = len(silent)
    return Rows(table[valid], null)


def _convolution(
    layer: Layer, groups: int, events: Bits, nonzero: Bits | None
) -> tuple[Integers, Bits]:
    """Return operations and existence of each event's rows, shape (events, most rows)."""
    y, x, _ = np.nonzero(events)
    height, width, _ = layer.out_shape
    first_y, last_y = _window(y, layer, height)
    first_x, last_x = _window(x, layer, width)
    empty = (first_y > last_y) | (first_x > last_x)
    offset = np.arange(-(-layer.kernel // layer.stride))
    at = first_y[:, None] + offset
    valid = at <= last_y[:, None]
    valid[empty] = offset == 0
    # positions with an error in a row, left of each column
    flags = np.ones((height, width), np.int64) if nonzero is None else nonzero
    before = np.zeros((height + 1, width + 1), np.int64)
    before[:height, 1:] = np.cumsum(flags, axis=1)
    at = np.minimum(at, height)
    first_x, last_x = np.minimum(first_x, width)[:, None], last_x[:, None]
    table: Integers = groups * (before[at, last_x + 1] - before[at, first_x])
    table[empty] = 0
    return table * valid, valid


def _window(place: Integers, layer: Layer, size: int) -> tuple[Integers, Integers]:
    """Return the first and last output index that an input coordinate reaches."""
    padded = place + layer.padding
    first = np.maximum(padded - layer.kernel + layer.stride, 0) // layer.stride
    return first, np.minimum(padded // layer.stride, size - 1)


def walk_cycles(operations: Integers, *, backward: bool = False) -> int:
    """Return the cycles of a walk over rows with so many operations each."""
    after = DRAIN_BACKWARD if backward else DRAIN
    if not len(operations):
        return NO_EVENT + after
    busy = np.flatnonzero(operations)
    if not len(busy):
        return FIRST_ROW + len(operations) - DROPPED_ROW + after
    taken = np.maximum(np.diff(busy), operations[busy[:-1]])
    handed = int(busy[0] + taken.sum())  # when the last row with operations leaves its stage
    ends = handed + int(operations[busy[-1]]) + backward
    rows_end = handed + len(operations) - int(busy[-1]) - DROPPED_ROW
    return FIRST_ROW + max(ends, rows_end) + after


def pool_cycles(words: Integers, area: MapLayout, window: int) -> int:
    """Return the cycles of POOL at one step.

    Parameters
    ----------
    words : Integers
        Spikes in each word of the source, shape (H, x_words, groups).
    area : MapLayout
        The pool's map.
    window : int
        Side of its window.
    """
    y, x, _ = np.nonzero(words)
    if not len(y):
        return NO_EVENT + DRAIN
    inside = np.flatnonzero((y // window < area.shape[0]) & (x // window < area.x_words))
    last = int(inside[-1]) + FIRST_ROW + 1 if len(inside) else 0
    return max(last, len(y) + NO_EVENT + DROPPED_WORD) + DRAIN
