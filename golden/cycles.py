"""Cycles of the accelerator, exact: every instruction of an interval, from golden's activity.

Passes over words take, from their start to the next instruction's::

    CLEAR    words + 7
    DROP     words * hashes + 18; P/4 hashes a word, P/2 where a position has two lanes
    LIF      words + 14
    LOSS     groups * P + 17; cross-entropy while training 2 (groups * P + 7) + 32 more
    ERROR    words + 18, without a list (SUM, PLANE) words + 14; straight after a BACKWARD
             words + 20 + stages (its last e is on its way)
    UPDATE   rows + 17

with ``stages`` = ceil(log4 P) of the adder tree; words, groups and rows of all groups as
`golden.layout` places them. Walks are in `golden.walk_cycles`. A GRADIENT or BACKWARD whose layer
has no error at that step ends at once. The next instruction is decoded meanwhile: that takes 7
cycles, and 3 for each loop control or instruction not wanted before it, so no instruction is
shorter. `IDLE_TO_START` cycles pass from taking a job to its first instruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from golden.counters import Counters, word_spikes
from golden.dropout import CHANNELS_PER_WORD
from golden.layout import LayerLayout, Layout
from golden.lif import Bits, Integers
from golden.network import Layer
from golden.schedule import Instruction, block_schedule, executed
from golden.settings import Settings
from golden.walk_cycles import Rows, pool_cycles, rows, walk_cycles

HANDOVER = 4
"""Cycles from the last one of an instruction to the first one of the next."""

CLEAR, DROP, LIF, LOSS, ERROR, UPDATE = (HANDOVER + own for own in (3, 14, 10, 13, 10, 13))
"""Cycles of each pass besides those of its words, classes or rows."""

LIST = 4
"""Cycles that ERROR waits for the first entry of its list, if it has one."""

SETTLE, DIVISION = 7, 32
"""Cycles of cross-entropy after each sweep that it adds, and of its division."""

SKIPPED = HANDOVER
"""Cycles of a GRADIENT or BACKWARD without errors, if decoding were not slower."""

DECODE = 7
"""Cycles to fetch and decode an instruction."""
CONTROL = 3
"""Cycles of loop control, and of an instruction that is not wanted."""
END = 2
"""Cycles to find the end of the program, from the start of the last instruction."""
LAST = 1
"""Cycles by which an interval's last instruction is shorter: no start follows it."""
IDLE_TO_START = 10
"""Cycles from taking a job to its first instruction, if all are wanted."""

TREE = 4
"""Terms added per stage of BACKWARD's adder tree."""


def error_wait(lanes: int) -> int:
    """Return the cycles that the error pass after a BACKWARD waits for its last e."""
    stages = 0
    while lanes > 1:
        lanes, stages = -(-lanes // TREE), stages + 1
    return stages + 2


def hashes_per_word(placed: LayerLayout) -> int:
    """Return the hashes that give a word's keep bits."""
    return placed.map.lanes // min(CHANNELS_PER_WORD, placed.map.slot_lanes)


@dataclass
class CycleCounters(Counters):
    """Cycles per instruction besides what `Counters` counts; made by `of`.

    Attributes
    ----------
    cycles : dict
        Keys (layer name, instruction such as ``FORWARD``): cycles, as the board's profile.
    runs : dict
        Same keys: how often it was started and not skipped for want of errors.
    skipped : dict
        Same keys: cycles of GRADIENT and BACKWARD that found no error.
    gaps : dict
        Same keys, of walks over weights: idle cycles between operations and null operations.
    idle : int
        Cycles of jobs before their first instruction.
    intervals : int
        Intervals counted.
    """

    layout: Layout | None = None
    settings: Settings = field(default_factory=Settings)
    cycles: dict[tuple[str, str], int] = field(default_factory=dict)
    runs: dict[tuple[str, str], int] = field(default_factory=dict)
    skipped: dict[tuple[str, str], int] = field(default_factory=dict)
    gaps: dict[tuple[str, str], int] = field(default_factory=dict)
    idle: int = 0
    intervals: int = 0
    _walks: dict[tuple[str, str], list[int]] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, layout: Layout, settings: Settings | None = None) -> CycleCounters:
        """Return counters for a network that is placed in a core; settings say what is frozen."""
        chosen = settings or Settings()
        return cls(layout.config.lanes, layout.config.pack_max, layout=layout, settings=chosen)

    @property
    def total(self) -> int:
        """Cycles of all intervals."""
        return self.idle + sum(self.cycles.values())

    def _placed(self, layer: Layer) -> LayerLayout:
        assert self.layout is not None, "CycleCounters are made by CycleCounters.of(layout)"
        return self.layout.layers[layer.index]

    def forward(self, layer: Layer, spikes: Bits) -> None:
        """Count operations and cycles of FORWARD or POOL."""
        super().forward(layer, spikes)
        area = self._placed(layer).map
        if layer.kind == "pool":
            words = word_spikes(spikes, self.lanes, self.pack_max)
            cycles = [pool_cycles(step, area, layer.window) for step in words]
            self._walks[layer.name, "POOL"] = cycles
            return
        walks = [rows(layer, area.groups, step, None, False) for step in spikes]
        self._walks[layer.name, "FORWARD"] = [self._walk(layer, "FORWARD", w) for w in walks]

    def _walk(self, layer: Layer, op: str, walk: Rows) -> int:
        """Return the cycles of a walk and note its gaps."""
        backward = op == "BACKWARD"
        cycles = walk_cycles(walk.operations, backward=backward)
        gaps = cycles - walk_cycles(walk.operations[walk.operations > 0], backward=backward)
        key = (layer.name, op)
        self.gaps[key] = self.gaps.get(key, 0) + walk.null + gaps
        return cycles

    def gradient(self, layer: Layer, spikes: Bits, gamma: Integers) -> None:
        """Count operations and cycles of GRADIENT."""
        super().gradient(layer, spikes, gamma)
        self._sparse("GRADIENT", layer, spikes, gamma)

    def backward(self, layer: Layer, mask: Bits, gamma: Integers) -> None:
        """Count operations and cycles of BACKWARD."""
        super().backward(layer, mask, gamma)
        if layer.has_weights:
            self._sparse("BACKWARD", layer, mask, gamma)

    def _sparse(self, op: str, layer: Layer, events: Bits, gamma: Integers) -> None:
        groups = self._placed(layer).map.groups
        errors = gamma != 0
        if layer.kind == "conv":
            flags = errors.any(axis=-1)
        else:
            flags = self._words(errors.reshape(len(errors), -1))
        back = op == "BACKWARD"
        cycles = []
        for step, nonzero in zip(events, flags, strict=True):
            if nonzero.any():
                walk = rows(layer, groups, step, nonzero, back)
                cycles.append(self._walk(layer, op, walk))
            else:
                cycles.append(SKIPPED)
        self._walks[layer.name, op] = cycles

    def interval(self, steps: int, *, start: bool, learn: bool, update: bool) -> None:
        """Add up the cycles of an interval that has ended."""
        assert self.layout is not None
        wanted = (("START", start), ("LEARN", learn), ("UPDATE", update), ("INFER", not learn))
        holds = {name for name, true in wanted if true}
        taken = {key: iter(cycles) for key, cycles in self._walks.items()}
        for key in taken:
            if key[1] in ("GRADIENT", "BACKWARD"):
                taken[key] = iter(self._walks[key][::-1])
        self._walks.clear()
        self.intervals += 1
        before: tuple[str, str] | None = None
        own, decode, after_backward = 0, IDLE_TO_START - DECODE, False
        network = self.layout.network
        for block in network.blocks:
            code = block_schedule(block, network, self.settings)
            for instruction in executed(code, steps, holds):
                if instruction is None:
                    decode += CONTROL
                    continue
                self._close(before, own, decode + DECODE)
                assert instruction.layer is not None
                before, decode = (instruction.layer.name, instruction.op), 0
                own = next(taken[before]) if before in taken else self._pass(instruction, learn)
                if instruction.op == "ERROR" and after_backward:
                    own += error_wait(self.lanes)
                after_backward = instruction.op == "BACKWARD" and own > SKIPPED
        self._close(before, own - LAST, decode + END)

    def _close(self, key: tuple[str, str] | None, own: int, decode: int) -> None:
        if key is None:
            self.idle += decode
            return
        cycles = max(own, decode)
        self.cycles[key] = self.cycles.get(key, 0) + cycles
        if own > SKIPPED:
            self.runs[key] = self.runs.get(key, 0) + 1
        else:
            self.skipped[key] = self.skipped.get(key, 0) + cycles

    def _pass(self, instruction: Instruction, learn: bool) -> int:
        assert instruction.layer is not None
        placed = self._placed(instruction.layer)
        unlisted = bool({"SUM", "PLANE"} & {*instruction.flags})
        return {
            "CLEAR": placed.map.words + CLEAR,
            "DROP": placed.map.words * hashes_per_word(placed) + DROP,
            "LIF": placed.map.words + LIF,
            "LOSS": self._loss(placed, learn and "ENTROPY" in instruction.flags),
            "ERROR": placed.map.words + ERROR + (0 if unlisted else LIST),
            "UPDATE": placed.weight_rows + UPDATE,
        }[instruction.op]

    def _loss(self, placed: LayerLayout, entropy: bool) -> int:
        sweep = placed.map.groups * self.lanes
        return sweep + LOSS + entropy * (2 * (sweep + SETTLE) + DIVISION)
