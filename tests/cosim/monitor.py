"""Every state at every step, gathered from the writes into a core's memories."""

from collections import defaultdict

import numpy as np

from host.compiler import program, row_layers
from host.protocol.packets import Space
from host.protocol.program import ErrorFlag, LifFlag, Op
from tests.hw.packing import from_word

MOVES = LifFlag.HALVE | LifFlag.PARK | LifFlag.RESTORE
"""LIF merely moves words."""


class Monitor:
    """Keeps a copy of the memories and notes states when instructions start and end.

    Call `wrote` for every write and `started` for every instruction, in the order of the cycles.
    Writes of BACKWARD may come late, while the error pass has begun.

    Attributes
    ----------
    found : dict
        Keys (layer name, field) as in `golden.trace.Trace`; a list of maps in the order in which
        the core made them: s, h, u, carry from the first step to the last, e and gamma from the
        last to the first, V_sum, V and W once per update, drive and gamma_sum
        once per interval. e of a layer below a pool is the pool's
        gamma, which the error pass reads where it stands: it is not noted.
    problems : list of str
        Lists that are not well formed.
    """

    def __init__(self, layout, config, settings):
        self.layout, self.config = layout, config
        self.program = program(layout, settings)
        self.rows = row_layers(layout, settings)
        self.memory = {
            space: [0] * config.memory_shapes[space.name.lower()][0] for space in Space
            if space.name.lower() in config.memory_shapes
        }  # fmt: skip
        self.memory[Space.FRAMES] = [0] * (2 * config.frame_words)
        self.found = defaultdict(list)
        self.problems = []
        self.listed = {Space.SPIKES: [], Space.MASKS: []}
        self.errors, self.sums = {}, {}
        self.current = None

    def clear(self):
        """Forget what was noted; the copies of the memories stay."""
        self.found.clear()

    def wrote(self, space, address, row, backward=False):
        """Note a write into a memory; `backward` says that BACKWARD wrote into that of e."""
        self.memory[space][address] = row
        if space in self.listed:
            self.listed[space].append((address, row))
        if backward:
            self.errors[address] = row

    def started(self, address, learn):
        """Note that the instruction at a program address starts, and so the one before has ended.

        `address` None: the interval has ended.
        """
        self._ended(learn)
        self.current = None if address is None else self.program[address]
        if self.current is None:
            return
        op, placed = self.current["op"], self._placed(self.current["layer"])
        for entries in self.listed.values():
            entries.clear()
        flags = self.current["argument"]
        if op == Op.LIF and not flags & MOVES:
            u = self._map(Space.STATE, placed, placed.state_base)
            if flags & LifFlag.DRIVE:
                u = u + self._map(Space.DELTA, placed, placed.drive_base)
            self._note(placed, "u", u)
        elif op == Op.BACKWARD:
            self.errors = {}  # e is 0 where nothing is written, also when the walk is skipped
        elif op == Op.UPDATE:
            self._note(placed, "V_sum", self._rows(Space.MOMENTUM, placed))

    def _ended(self, learn):
        if self.current is None:
            return
        op, placed = self.current["op"], self._placed(self.current["layer"])
        flags = self.current["argument"]
        if op == Op.LIF and flags & MOVES:
            if flags & LifFlag.RESTORE:
                self._note(placed, "drive", self._map(Space.DELTA, placed, placed.drive_base))
        elif op == Op.LIF:
            self._note(placed, "carry", self._map(Space.STATE, placed, placed.state_base))
            if flags & LifFlag.SPIKES:
                self._note(placed, "s", self._bits(Space.SPIKES, placed))
            if flags & LifFlag.MASKS and learn:
                self._note(placed, "h", self._bits(Space.MASKS, placed))
        elif op == Op.ERROR and flags & ErrorFlag.SUM:
            self.sums[placed.layer.name] = self._map(Space.DELTA, placed, placed.drive_base)
        elif op == Op.ERROR and flags & ErrorFlag.PLANE:
            if placed.layer.name in self.sums:
                self._note(placed, "gamma_sum", self.sums.pop(placed.layer.name))
        elif op == Op.ERROR:
            self._note(placed, "gamma", self._map(Space.GAMMA, placed, placed.error_base))
            if flags & ErrorFlag.LOSS:
                self._note(placed, "e", self._map(Space.DELTA, placed, placed.error_base))
            elif not flags & ErrorFlag.POOLED:
                self._note(placed, "e", self._map(self.errors, placed, placed.error_base))
        elif op == Op.UPDATE:
            self._note(placed, "V", self._rows(Space.MOMENTUM, placed))
            self._note(placed, "W", self._rows(Space.WEIGHTS, placed))

    def _placed(self, row):
        layer = self.rows[row]
        return self.layout.layers[-1 if layer is None else layer.index]

    def _note(self, placed, field, values):
        self.found[placed.layer.name, field].append(values)

    def _map(self, space, placed, base):
        """Return a layer's map of lane values from a memory, or from BACKWARD's writes."""
        name = "delta" if isinstance(space, dict) else space.name.lower()
        width = self.config.memory_shapes[name][1] // self.config.lanes
        addresses = range(base, base + placed.map.words)
        if isinstance(space, dict):
            words = [space.get(address, 0) for address in addresses]
        else:
            words = [self.memory[space][address] for address in addresses]
        lanes = [from_word(word, self.config.lanes, width) for word in words]
        return placed.map.from_lanes(np.array(lanes))

    def _rows(self, space, placed):
        width = self.config.memory_shapes[space.name.lower()][1] // self.config.lanes
        rows = self.memory[space][placed.weight_base : placed.weight_base + placed.weight_rows]
        lanes = [from_word(row, self.config.lanes, width) for row in rows]
        return placed.weights_from_lanes(np.array(lanes))

    def _bits(self, space, placed):
        """Return the map of bits of the list just written, after a look at its order and end."""
        config, words = self.config, placed.map
        lanes = np.zeros((words.words, config.lanes), np.int64)
        entries = self.listed[space]
        where = f"{space.name} list of {placed.layer.name}"
        before = -1
        for number, (address, row) in enumerate(entries):
            fields = []
            for width in (config.lanes, config.map_bits, config.map_bits, config.group_bits, 1):
                fields.append(row & ((1 << width) - 1))
                row >>= width
            bits, y, x, g, last = fields
            word = (y * words.x_words + x) * words.groups + g
            if not before < word < words.words or address != entries[0][0] + number:
                self.problems.append(f"{where}: entry {number} is word {word} at {address}")
                break
            if last != (word == words.words - 1) or (not bits and not last):
                self.problems.append(f"{where}: entry {number} has bits {bits:x}, last {last}")
            lanes[word] = from_word(bits, config.lanes, 1)
            before = word
        if before != words.words - 1:
            self.problems.append(f"{where}: ends with word {before} of {words.words}")
        return -words.from_lanes(lanes)
