"""A tiny study from end to end: run, stop, go on, refuse what does not belong to it."""

import json
from dataclasses import replace

import pytest

from host import presets
from host.study import __main__ as command
from host.study import grid, records, study, training
from host.study.grid import Amount, Run, Size
from host.study.records import StudyError
from tests.host.study.conftest import AMOUNT

pytestmark = pytest.mark.unit

SMALL = Size("for tests", {"gestures": Amount(16, 8, 1, 0)}, seeds=1)
RUNS = [
    Run("gestures", model, k, n, classifier, 1)
    for model, k, n, classifier in (
        ("golden", 20, 3, "trainable"), ("golden", 10, 1, "random"), ("golden", 7, 2, "trainable"),
        ("float", 10, 1, "random"),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Folder of a study that was done in two parts by two workers."""
    folder = tmp_path_factory.mktemp("study")
    assert study.carry_out(folder, RUNS[:1], SMALL, 1, None) == 1
    assert study.carry_out(folder, RUNS, SMALL, 2, None) == len(RUNS) - 1
    return folder


def test_each_run_leaves_a_record(finished):
    found = {record["run"]["model"] for record in records.read_folders([finished])}
    assert found == {"golden", "float"}
    assert sorted(path.stem for path in finished.glob("*")) == sorted(run.name for run in RUNS)


def test_a_run_that_is_there_is_not_run_again(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.glob("*.json")}
    assert study.carry_out(finished, RUNS, SMALL, 2, None) == 0
    assert before == {path: path.stat().st_mtime_ns for path in finished.glob("*.json")}


def test_a_run_gives_the_same_in_any_process(finished):
    run = RUNS[1]
    here = training.train(training.Job(run, SMALL.amounts["gestures"], None, finished))
    there = records.read(finished / f"{run.name}.json")
    for record in (here, there):
        del record["result"]["seconds"]
    assert here == there


def test_progress_adds_up_to_the_work(tmp_path):
    shares = []
    job = training.Job(RUNS[0], Amount(16, 8, 2, 0), None, tmp_path)
    training.train(job, lambda share, text: shares.append(share))
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 2}, "epochs is 1 in"),
        ({"train": 24}, "training recordings is 16 in"),
        ({"test": 9}, "test recordings is 8 in"),
        ({"halve_every": 1}, "halve_every is 0 in"),
    ],
)
def test_results_of_another_amount_are_refused(finished, change, named):
    other = replace(SMALL, amounts={"gestures": replace(SMALL.amounts["gestures"], **change)})
    with pytest.raises(StudyError, match=f"{named} .*must not be mixed; delete it, or name"):
        study.carry_out(finished, RUNS, other, 1, None)


def test_results_of_another_rate_are_refused(finished, monkeypatch):
    monkeypatch.setattr(presets, "rate_shift", lambda preset, k: preset.rate_shift + 1)
    with pytest.raises(StudyError, match=r"rate_shift is .* must not be mixed"):
        study.carry_out(finished, RUNS, SMALL, 1, None)


def test_a_failed_run_is_named_and_the_others_are_done(tmp_path):
    wrong = Run("gestures", "golden", 10, 4, "trainable", 1)  # there are three hidden layers
    with pytest.raises(StudyError, match=r"1 of 2 runs failed: gestures-golden-k10-n4.*block_len"):
        study.carry_out(tmp_path, [wrong, RUNS[0]], SMALL, 1, None)
    assert [path.stem for path in tmp_path.glob("*.json")] == [RUNS[0].name]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": {"data": "gestures"}}'])
def test_damaged_result_is_refused(tmp_path, text):
    (tmp_path / f"{RUNS[0].name}.json").write_text(text)
    with pytest.raises(StudyError, match=r"is no result of a study .*delete it"):
        study.carry_out(tmp_path, RUNS[:1], SMALL, 1, None)


def test_a_result_under_another_name_is_refused(finished, tmp_path):
    text = (finished / f"{RUNS[0].name}.json").read_text()
    (tmp_path / f"{RUNS[1].name}.json").write_text(text)
    with pytest.raises(StudyError, match=f"it holds the run {RUNS[0].name}"):
        records.read_folders([tmp_path])


def test_command_runs_a_part_and_reports(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(grid.SIZES, "tiny", SMALL)
    monkeypatch.setattr(grid, "runs", lambda *_: RUNS)
    monkeypatch.setattr(command, "runs", lambda *_: RUNS)
    monkeypatch.setattr("host.study.report.runs", lambda *_: RUNS)
    results = ["--results", str(tmp_path)]
    options = ["run", "--size", "tiny", "--data", "gestures", *results, "--workers", "1"]
    assert command.main([*options, "--part", "1/2"]) == 0
    assert "2 runs of this size are not in this folder" in capsys.readouterr().out
    assert len(list(tmp_path.glob("*.json"))) == 2
    assert {path.name for path in tmp_path.glob("study.*")} == {
        "study.md", "study.csv", "study.png",
    }  # fmt: skip
    assert command.main([*options, "--part", "2/2"]) == 0
    assert "not in this folder" not in capsys.readouterr().out
    assert command.main([*options, "--part", "3/2"]) == command.FAILED
    assert "part must be I/N" in capsys.readouterr().err
    assert command.main([*options, "--workers", "0"]) == command.FAILED
    assert "--workers must be at least 1, not 0" in capsys.readouterr().err
    monkeypatch.setattr(study, "carry_out", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert command.main(options) == command.STOPPED
    assert "finished runs are kept" in capsys.readouterr().err


def test_records_hold_every_setting(known):
    record = json.loads(json.dumps(known(0.5)))
    assert record["common"]["training recordings"] == AMOUNT.train
    assert {"network", "formats", "momentum_shift"} <= record["common"].keys()
    assert {"rate_shift", "error_fraction", "layer_shifts", "seed"} <= record["own"].keys()
