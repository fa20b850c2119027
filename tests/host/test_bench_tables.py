"""Tables of the benches from a profile that the cost model made, without a board."""

import pytest

from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import lenet1_events
from host.bench import __main__ as bench
from host.bench import cycle_plot, cycle_tables, link_table, simulation
from host.bench.measure import CONFIGS, WHOLE
from tests.host.profiles import made_run


@pytest.fixture(scope="module")
def run():
    return made_run(CoreConfig())


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
    assert float(rows["FORWARD"][2]) <= 24
    assert float(rows["GRADIENT"][2]) <= 24
    assert float(rows["BACKWARD"][2]) <= 19
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
    for length in bench.BLOCK_LENGTHS:
        place(lenet1_events(block_length=length), WHOLE, 10).check()


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


def test_bad_number_of_trained_recordings_is_told(capsys, monkeypatch):
    monkeypatch.setattr(bench.lenet1, "load", lambda folder: None)
    with pytest.raises(SystemExit):
        bench.main(["--trained", "-1"])
    assert "--trained must be at least 0, not -1" in capsys.readouterr().err


def test_memory_section_needs_no_board(capsys):
    options = type("Options", (), {"lanes": 16})()
    assert "only for training: momentum" in bench.Bench(options).memory()
