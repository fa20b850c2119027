"""Cycles of walks against a simulation of their two stages, and the program that they assume."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from golden import cycles, walk_cycles
from golden.core_config import CoreConfig
from golden.counters import Counters, word_spikes
from golden.cycles import CycleCounters, error_wait
from golden.layout import map_layout, place
from golden.network import AvgPool, Conv, Dense, Network, lenet1_events
from golden.schedule import LOOPS, Instruction, executed, schedule
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import compiler
from host.protocol.program import Op, When
from tests.golden import cases

NETWORK = Network((6, 6, 2), (Conv(4, 3, 1), AvgPool(2), Dense(12)), 3, 2)


def stepped(operations, backward):
    """Count the cycles of the walker's last three stages, one after the other."""
    cycle, row, wanted, left = walk_cycles.FIRST_ROW - 1, 0, 0, 0
    while True:
        free = left <= 1  # the stage of operations is empty or issues its last one
        if row == len(operations) and not wanted and (left == 0 if backward else free):
            return cycle + (walk_cycles.DRAIN_BACKWARD if backward else walk_cycles.DRAIN)
        left = max(0, left - 1)
        if free or not wanted:
            left = wanted or left
            wanted = operations[row] if row < len(operations) else 0
            row = min(row + 1, len(operations))
        cycle += 1


@pytest.mark.parametrize("seed", range(30))
def test_walk_of_rows_equals_its_stages(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 40))
    operations = rng.integers(0, 6, size) * (rng.random(size) < rng.random())
    for backward in (False, True):
        got = walk_cycles.walk_cycles(operations, backward=backward)
        wanted = stepped(operations, backward)
        assert got == wanted, f"seed {seed}, backward {backward}, {operations}"


def test_walk_without_a_gap_takes_its_operations_and_a_constant():
    assert walk_cycles.walk_cycles(np.array([5, 1, 3])) == 9 + 33
    assert walk_cycles.walk_cycles(np.array([5, 1, 3]), backward=True) == 9 + 28
    assert walk_cycles.walk_cycles(np.array([], int)) == 21
    assert walk_cycles.walk_cycles(np.array([], int), backward=True) == 15


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("backward", [False, True])
def test_rows_equal_an_enumeration(seed, backward):
    rng = np.random.default_rng(seed)
    kernel, stride = int(rng.integers(1, 6)), int(rng.choice([1, 2, 4]))
    spec = Conv(5, kernel, int(rng.integers(0, kernel)), stride)
    layer = Network((7, 8, 2), (spec,), 2).resolved[0]
    events = rng.random(layer.in_shape) < 0.3
    nonzero = rng.random(layer.out_shape[:2]) < 0.3
    groups = int(rng.integers(1, 3))
    wanted = []
    for y, x, _ in np.argwhere(events):
        reached = [
            (oy, ox)
            for oy, ox in product(range(layer.out_shape[0]), range(layer.out_shape[1]))
            if 0 <= y + spec.padding - oy * stride < kernel
            and 0 <= x + spec.padding - ox * stride < kernel
        ]
        lines = sorted({oy for oy, _ in reached}) or [None]
        counts = [groups * sum(nonzero[p] for p in reached if p[0] == oy) for oy in lines]
        if backward and not any(counts):
            counts[-1] = 1
        wanted += counts
    got = walk_cycles.rows(layer, groups, events, nonzero, backward)
    assert got.operations.tolist() == wanted, f"seed {seed}"


@pytest.mark.parametrize(("groups", "expected"), [(3, [3]), (8, [8]), (19, [8, 8, 3])])
def test_dense_layer_has_a_row_per_8_groups(groups, expected):
    layer = Network((2, 2, 1), (Dense(4),), 2).resolved[0]
    events = np.ones(layer.in_shape, bool)
    assert walk_cycles.rows(layer, groups, events, None, False).operations.tolist() == 4 * expected


def test_word_spikes_follow_the_layout():
    rng = np.random.default_rng(3)
    for shape in ((3, 5, 3), (1, 1, 2), (4, 4, 20), (2, 3, 8)):
        area = map_layout(shape, 8, 2)
        bits = rng.random((2, *shape)) < 0.4
        for step, words in zip(bits, word_spikes(bits, 8, 2), strict=True):
            assert words.ravel().tolist() == area.to_lanes(step.astype(int)).sum(axis=1).tolist()


@pytest.mark.parametrize("frozen", [(), ("conv2", "fc4")])
@pytest.mark.parametrize("classifier", ["trainable", "random"])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_program_is_the_compilers(n, classifier, frozen):
    network = replace(lenet1_events(block_length=n), classifier=classifier)
    settings = Settings(frozen=frozen)
    code = compiler.program(place(network, CoreConfig(), 10), settings)
    names = ["input", *(layer.name for layer in network.resolved)]
    ours = [instruction for block in schedule(network, settings) for instruction in block]
    assert code.pop()["op"] == Op.END
    for instruction, wanted in zip(ours, code, strict=True):
        when = When(sum(When[name] for name in instruction.when))
        assert (Op[instruction.op], when) == (wanted["op"], wanted["when"])
        if instruction.layer is not None:
            assert instruction.layer.name == names[wanted["layer"]]
        assert (instruction.layer is None) == (instruction.op in LOOPS)


def test_loops_run_once_per_step_and_unwanted_instructions_are_passed_over():
    code = [
        Instruction("CLEAR", when=("START",)), Instruction("FIRST"), Instruction("LIF"),
        Instruction("NEXT"), Instruction("UPDATE", when=("UPDATE",)),
    ]  # fmt: skip
    ops = [x if x is None else x.op for x in executed(code, 2, {"UPDATE"})]
    assert ops == [None, None, "LIF", None, "LIF", None, "UPDATE"]


def test_error_pass_waits_for_the_adder_tree():
    assert [error_wait(lanes) for lanes in (4, 8, 16, 32, 64)] == [3, 4, 4, 5, 5]


def test_cycles_add_up_over_intervals_and_count_what_the_counters_count():
    rng = np.random.default_rng(1)
    settings = Settings(interval=2, error_fraction=12)
    model = GoldenModel(NETWORK, None, settings, cases.random_weights(rng, NETWORK, _formats()))
    counted = CycleCounters.of(place(NETWORK, CoreConfig(), 2))
    plain = Counters(16, 2)
    frames = cases.random_frames(rng, NETWORK, 5)
    model.class_counts(frames[:2], plain)
    model.class_counts(frames[:2], counted)
    assert counted.operations == plain.operations
    assert not any(op in ("ERROR", "UPDATE") for _, op in counted.cycles)
    before = counted.total
    model.train_sample(frames, 1, counters=counted)
    assert counted.intervals == 4
    assert counted.total > before
    words = map_layout((6, 6, 4), 16, 2).words
    assert counted.cycles["conv1", "LIF"] == 7 * (words + cycles.LIF)
    assert counted.cycles["fc2", "UPDATE"] == 3 * (3 * 3 * 4 + cycles.UPDATE)


def _formats():
    return CoreConfig().formats
