"""Tables over block lengths and of what sparse walks save, from runs that the cost model made."""

import numpy as np
import pytest

from golden.layout import place
from golden.network import Conv, Dense, Network
from host.bench import block_plot, block_tables, lenet1, savings
from host.bench.measure import WHOLE
from host.bench.savings import SavingsCounters, operations
from tests.host.profiles import made_run

pytestmark = pytest.mark.unit

PASSES = ("dense", "events", "errors", "both")


@pytest.fixture(scope="module")
def runs():
    return {n: made_run(WHOLE, n, SavingsCounters.beside) for n in (1, 2, 4)}


def layer_of(run, name):
    return next(layer for layer in run.layout.network.resolved if layer.name == name)


def count(run, variant, name, phase):
    return operations(run.predicted, variant, layer_of(run, name), phase)


def test_dense_passes_are_what_geometry_says(runs):
    run, steps = runs[4], 6
    inside = 28 * 5 - 2 * (1 + 2)  # pairs of row and kernel row that lie inside, padding 2
    assert count(run, "dense", "conv1", "forward") == inside**2 * 2 * steps
    assert count(run, "dense", "conv1", "gradient") == inside**2 * 2 * steps
    assert count(run, "dense", "conv2", "backward") == (10 * 5) ** 2 * 6 * steps
    assert count(run, "dense", "fc3", "backward") == 400 * 8 * steps
    assert count(run, "dense", "fc4", "forward") == 120 * 6 * steps
    assert count(run, "dense", "pool1", "forward") == 28 * 14 * steps


def test_each_skip_saves_and_both_save_most(runs):
    for run in runs.values():
        for layer in run.layout.network.resolved:
            for phase in ("forward", "gradient", "backward"):
                dense, events, errors, both = (
                    operations(run.predicted, variant, layer, phase) for variant in PASSES
                )
                assert both <= min(events, errors) <= max(events, errors) <= dense
                assert both < dense or not dense
        assert count(run, "events", "conv2", "forward") == count(run, "both", "conv2", "forward")


def test_events_and_errors_are_skipped_apart():
    network = Network((4, 4, 1), (Conv(2, 2), Dense(20)), 3, 2)
    layout = place(network, WHOLE, 2)
    counted = SavingsCounters.beside(layout)
    conv, dense = network.resolved[:2]
    spikes = np.zeros((1, 4, 4, 1), np.uint8)
    spikes[0, 0, 0] = spikes[0, 1, 1] = 1  # reach 1 and 4 positions
    gamma = np.zeros((1, 3, 3, 2), np.int64)
    gamma[0, 1, 1, 0] = 7  # reached by one of them
    counted.gradient(conv, spikes, gamma)
    found = [
        operations(counted, v, conv, "gradient") for v in ("dense", "events", "errors", "both")
    ]
    assert found == [9 * 4, 5, 4, 1]
    mask = np.zeros((1, 3, 3, 2), np.bool_)
    mask[0, 2, 2, 1] = mask[0, 0, 0, 0] = mask[0, 0, 1, 0] = True
    above = np.zeros((1, 1, 1, 20), np.int64)
    above[0, 0, 0, 17] = -1  # in the second of two words
    counted.backward(dense, mask, above)
    found = [
        operations(counted, v, dense, "backward") for v in ("dense", "events", "errors", "both")
    ]
    assert found == [18 * 2, 3 * 2, 18, 3]


def test_report_names_phases_layers_and_memories(runs):
    text = block_tables.report(runs, 700)
    assert "after 700 recordings trained by golden" in text
    assert "n = 1: fits the default core" in text
    assert "n = 4: error_words: needs 630, has 512 (118 too many)" in text
    assert "the cost model predicts every instruction exactly" in text
    for phase in block_tables.OPS:
        assert f"\n{phase}" in text
    for n, run in runs.items():
        dense, built = savings.sums(run)
        assert 0 < built < dense
        assert f"{built / dense:.1%}" in text.split(f"\nn = {n}: of ")[1].splitlines()[0]
    assert "\nBACKWARD  conv2               - " in text


def test_cycles_of_the_table_are_the_runs(runs):
    rows = {row.split()[0]: row.split() for row in block_tables.phases(runs)[1:]}
    for column, run in enumerate(runs.values()):
        assert rows["all"][1 + 2 * column] == f"{run.core_cycles:,}"
        assert rows["samples/s"][1 + column] == f"{100e6 / run.core_cycles:,.0f}"


def test_lost_cycles_add_up(runs):
    for row in block_tables.lost(runs)[1:]:
        cycles, *parts = (int(x.replace(",", "")) for x in row.split()[2:-1])
        assert cycles == sum(parts), row
    walks = {row.split()[0]: row.split() for row in block_tables.lost({4: runs[4]})[1:]}
    for row in walks.values():
        assert int(row[6]) <= block_tables.BESIDES_BACKWARD * int(row[-1])


def test_backward_that_is_not_busy_is_told(runs):
    entry = next(e for e in runs[4].profile if (e["op"], e["layer"]) == ("BACKWARD", "fc3"))
    kept = entry["operations"]
    entry["operations"] = entry["cycles"] // 2
    try:
        line = next(x for x in block_tables.busy(runs) if x.startswith("BACKWARD  fc3"))
        assert line.endswith("BELOW the demanded 95 %")
    finally:
        entry["operations"] = kept


def test_needed_operations_make_a_walk_busy():
    for besides in (block_tables.BESIDES, block_tables.BESIDES_BACKWARD):
        least = block_tables.needed(besides)
        assert least / (least + besides) >= block_tables.BUSY - 1e-9
        assert (least - 1) / (least - 1 + besides) < block_tables.BUSY


def test_difference_to_the_cost_model_is_told(runs):
    entry = runs[2].profile[0]
    entry["cycles"] += 1
    try:
        assert "DIFFERS:\nn = 2: CLEAR conv1" in block_tables.report(runs, 0)
    finally:
        entry["cycles"] -= 1


def test_picture_is_drawn(runs, tmp_path):
    path = tmp_path / "blocks.png"
    block_plot.draw(path, runs, 700)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_recordings_go_on_into_further_epochs():
    assert lenet1.stream(5, 1, 3) == lenet1.order(5, 1, 0)[:3].tolist()
    assert lenet1.stream(5, 1, 7) == [*lenet1.order(5, 1, 0), *lenet1.order(5, 1, 1)[:2]]
