"""Tables of the benches from a profile that the cost model made, without a board."""

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.cycles import CycleCounters, block_program
from golden.initialise import initialise
from golden.layout import place
from golden.network import lenet1_events
from golden.settings import Settings
from golden.trainer import GoldenModel
from host.bench import __main__ as bench
from host.bench import cycle_plot, cycle_tables, link_table, simulation
from host.bench.measure import CONFIGS, WALKS, Run
from host.link import LinkStatistics
from tests.golden import cases


def profile_of(counted):
    """The profile that a board would show."""
    entries = []
    for block in counted.layout.network.blocks:
        for op, layer, _ in block_program(block):
            name = None if layer is None else layer.name
            words = counted.cycles.get((name, op), 0)
            key = (name, op.lower())
            entries.append(
                {
                    "op": op, "layer": name, "cycles": words,
                    "operations": counted.operations.get(key, 0) if op in WALKS else words // 2,
                    "lanes": counted.useful.get(key, 0) if op in WALKS else words,
                }
            )  # fmt: skip
    return entries


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(5)
    network, settings = lenet1_events(), Settings(interval=4, error_fraction=16)
    layout = place(network, CoreConfig(), 4)
    frames = cases.random_frames(rng, network, 6, 0.1)
    _, weights = initialise(network, [frames], seed=1)
    counted = CycleCounters.of(layout)
    model = GoldenModel(network, None, settings, weights, strict=False)
    model.train_sample(frames, 3, counters=counted)
    statistics = LinkStatistics()
    statistics.sent.update(RUN=600, RESULT=24)
    statistics.received.update(RUN=18, RESULT=92)
    return Run(
        layout, 1, 6, profile_of(counted), counted, counted.total + 1000, 2.0, 1.0, statistics
    )


def test_report_names_every_phase_and_layer(run):
    text = cycle_tables.report(run)
    for layer in run.layout.network.resolved:
        assert f"\n{layer.name}" in text
    for phase in cycle_tables.OPS:
        assert f"\n{phase}" in text
    assert "predicts every instruction exactly" in text
    assert "classifier1: 10 channels in 1 x 16 lanes, so walks use 62.5%" in text
    assert "Zhang" in text


def test_shares_of_the_phases_add_up(run):
    rows = cycle_tables.phases(run)[1:]
    shares = [float(row.split()[2].rstrip("%")) for row in rows]
    assert sum(shares[:-1]) == pytest.approx(100, abs=0.5)
    assert shares[-1] == 100


def test_overhead_of_walks_is_what_the_formulas_say(run):
    rows = {row.split()[0]: row.split() for row in cycle_tables.overheads(run)[1:]}
    assert float(rows["FORWARD"][2]) <= 8
    assert float(rows["GRADIENT"][2]) <= 8
    assert float(rows["BACKWARD"][2]) <= 5
    assert "ABOVE" not in " ".join(rows["FORWARD"])


def test_difference_to_the_cost_model_is_told(run):
    run.profile[0]["cycles"] += 1
    try:
        assert "DIFFERS" in cycle_tables.report(run)
        assert run.differences()[0].startswith("CLEAR conv1")
    finally:
        run.profile[0]["cycles"] -= 1


def test_walk_that_is_not_busy_is_told(run):
    entry = next(e for e in run.profile if (e["op"], e["layer"]) == ("FORWARD", "conv2"))
    kept = entry["operations"]
    entry["operations"] = entry["cycles"] // 2
    try:
        assert "BELOW the demanded 95 %" in cycle_tables.busy(run)[0]
    finally:
        entry["operations"] = kept


def test_link_report_gives_the_rate_that_keeps_up(run):
    text = link_table.report(run)
    assert "624 bytes to the board and 110 back" in text
    unpack, compute = 28 * 28 * 2 * 6, run.core_cycles
    limit = 734 * 10 / ((compute - unpack) / 100e6)
    assert f"{limit / 1e6:.2f} Mbaud" in text


def test_simulation_line_tells_what_is_too_slow(run):
    assert "below the 0.5 M aimed at" in simulation.line(run)


def test_picture_is_drawn(run, tmp_path):
    path = tmp_path / "cycles.png"
    cycle_plot.draw(path, run)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_cores_of_the_benches_hold_the_network():
    for config in CONFIGS.values():
        place(lenet1_events(), config, 10).check()


def test_missing_data_is_told(tmp_path, capsys):
    with pytest.raises(SystemExit):
        bench.main(["--data-dir", str(tmp_path / "nowhere")])
    error = capsys.readouterr().err
    assert "nowhere" in error
    assert "TLBPTT_DATA" in error


def test_bad_number_of_samples_is_told(capsys):
    with pytest.raises(SystemExit):
        bench.main(["--samples", "0"])
    assert "--samples must be at least 1, not 0" in capsys.readouterr().err


def test_memory_section_needs_no_board(capsys):
    options = type("Options", (), {"lanes": 16})()
    assert "only for training: momentum" in bench.Bench(options).memory()
