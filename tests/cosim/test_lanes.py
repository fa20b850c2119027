"""Results do not depend on the number of lanes, nor on pauses of the link."""

import numpy as np
import pytest

from tests.cosim.against_golden import assert_equal, layer_names, read, run_samples
from tests.cosim.boards import CONFIGS, SAME_FORMATS, open_board
from tests.cosim.cases import cases, generated

STALLS = {"light": 40, "heavy": 215}
"""Pauses of both streams, in 256 cycles."""


def states(board, case):
    """Return everything a board holds after each sample, and the counts of each interval."""
    return [
        {"class counts": counts, **read(board), "counters": saturations(board)}
        for _, counts in run_samples(board, case)
    ]


def saturations(board):
    registers = board.counters()
    names = sorted(name for name in registers if name.startswith("saturated"))
    return [np.array([registers[name] for name in names])]


def assert_same(one, other, names, network):
    """Compare two lists of `states`; the message names sample, layer, index and both values."""
    for number, (got, expected) in enumerate(zip(one, other, strict=True)):
        for kind, values in got.items():
            labels = [f"{kind} {i}" for i in range(len(values))]
            if kind in ("weights", "momentum", "state"):
                labels = layer_names(network, kind)
            where = f"{names[0]} (got) and {names[1]} (expected), sample {number}: {kind}"
            assert_equal(where, labels, values, expected[kind])


@pytest.fixture
def count(pytestconfig):
    """Half of ``--examples``, since each example runs on several boards."""
    return -(-pytestconfig.getoption("--examples") // 2)


def test_any_number_of_lanes_gives_the_same(seed, count):
    configs = [CONFIGS[name] for name in SAME_FORMATS]

    @generated(cases(*configs), seed, count)
    def check(case):
        first = None
        for name in SAME_FORMATS:
            with open_board(name) as board:
                found = states(board, case)
            first = first or found
            assert_same(found, first, (name, SAME_FORMATS[0]), case.network)

    check()


@pytest.mark.parametrize("pauses", STALLS)
def test_pauses_of_the_link_change_nothing(pauses, seed, count):
    @generated(cases(CONFIGS["P8"]), seed, count)
    def check(case):
        with open_board("P8") as board:
            expected = states(board, case)
        with open_board("P8", stall=STALLS[pauses], seed=seed) as board:
            found = states(board, case)
            cycles = board.counters()
        assert cycles["crc_errors"] == cycles["length_errors"] == cycles["sequence_errors"] == 0
        assert_same(found, expected, (f"{pauses} pauses", "none"), case.network)

    check()
