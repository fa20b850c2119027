"""A board and the golden model on the same case: everything readable must be equal."""

from collections import Counter

import numpy as np

from golden.counters import PHASES, SATURATIONS, Counters
from golden.trainer import GoldenModel

CONTENTS = {"weights": "weights", "momentum": "momentum", "state": "carry"}
"""What is read from a board, and the golden model's name for it."""


def read(board):
    """Return everything a board has learned and carries."""
    return {
        "weights": board.read_weights(),
        "momentum": board.read_momentum(),
        "state": board.read_state(),
    }


def assert_equal(where, names, got, expected):
    """Compare lists of arrays; the message says place, layer, index, got and expected."""
    for name, one, other in zip(names, got, expected, strict=True):
        wrong = np.argwhere(one != other)
        if len(wrong):
            first = tuple(int(i) for i in wrong[0])
            raise AssertionError(
                f"{where} of {name} differs at {len(wrong)} of {one.size} places, first at "
                f"{first}: got {one[first]}, expected {other[first]}"
            )


def layer_names(network, kind):
    return [layer.name for layer in (network.resolved if kind == "state" else network.weighted)]


def assert_operations(where, profile, counters):
    """Compare lane operations and useful lanes per (layer, phase)."""
    for kind, column in (("operations", "operations"), ("useful", "lanes")):
        counted = Counter()
        for row in profile:
            phase = row["op"].lower()
            if phase in PHASES:
                counted[row["layer"], phase] += row[column]
        wanted = Counter(getattr(counters, kind))
        wrong = {
            key: (counted[key], wanted[key])
            for key in counted.keys() | wanted.keys()
            if counted[key] != wanted[key]
        }
        assert not wrong, f"{where}: {kind} per (layer, phase) are (got, expected) {wrong}"


def run_samples(board, case):
    """Run a case on a board; yield after each sample (its number, counts per interval)."""
    formats = board.config.formats
    board.load(case.network, case.settings, case.weights(formats))
    if case.full_momentum:
        board.write_momentum(case.momentum(formats))
    for number, (sample, frames) in enumerate(zip(case.samples, case.frames(), strict=True)):
        if sample[0].halvings != board.halvings:
            board.set_halvings(sample[0].halvings)
        for run, part in zip(sample, frames, strict=True):
            board.submit(part, run.label, start=run.start, learn=run.learn, update=run.update)
        yield number, [board.collect() for _ in sample]


def compare(board, case):
    """Run a case on a board and in golden; raise at the first difference, else return golden."""
    config = board.config
    formats = config.formats
    model = GoldenModel(case.network, formats, case.settings, case.weights(formats), strict=False)
    model.momentum = case.momentum(formats)
    counters = Counters(config.lanes, config.pack_max)
    golden = zip(case.samples, case.frames(), strict=True)
    for number, counts in run_samples(board, case):
        sample, frames = next(golden)
        expected = [
            model.run_interval(
                part, run.label, start=run.start, learn=run.learn, halvings=run.halvings,
                update=run.update, counters=counters,
            )
            for run, part in zip(sample, frames, strict=True)
        ]  # fmt: skip
        where = f"sample {number}: "
        intervals = [f"interval {i}" for i in range(len(sample))]
        assert_equal(where + "class counts", intervals, counts, expected)
        for kind, values in read(board).items():
            names = layer_names(case.network, kind)
            assert_equal(where + kind, names, values, getattr(model, CONTENTS[kind]))
        registers = board.counters()
        saturated = {kind: registers[f"saturated_{kind}"] for kind in SATURATIONS}
        assert saturated == counters.saturations, f"{where}saturations: got, expected"
        assert_operations(f"sample {number}", board.profile(), counters)
    return model, counters
