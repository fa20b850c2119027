"""Studies that train: complete, stopped, gone on with, by several workers."""

import queue as queues
import signal
import sys
import threading
from dataclasses import replace
from shutil import copytree

import pytest

torch = pytest.importorskip("torch", reason="host.explore needs the extra reference")
pytest.importorskip("optuna", reason="host.explore needs the extra explore")

from host import datasets  # noqa: E402
from host.display import Display  # noqa: E402
from host.explore import __main__ as command  # noqa: E402
from host.explore import store, trial, worker, workers  # noqa: E402
from host.explore.results import Results  # noqa: E402
from host.explore.trial import Message, Shares  # noqa: E402
from host.reference.folder import ReferenceFolder  # noqa: E402
from host.reference.training import ReferenceTraining  # noqa: E402
from tests.host import explore_cases  # noqa: E402
from tests.host.explore_cases import run  # noqa: E402

GRID = ("--k", "4,1", "--n", "2,1")


class KilledError(BaseException):
    """Ends a run as a kill does: nothing is tidied up."""


@pytest.fixture(autouse=True)
def own_signals():
    before = signal.getsignal(signal.SIGTERM)
    threads = torch.get_num_threads()
    yield
    signal.signal(signal.SIGTERM, before)
    torch.set_num_threads(threads)


def results(tmp_path, name="s"):
    return Results.of(store.load(tmp_path / name, None, name))


def same(one, two):
    """Hold results and weights of two folders' studies against each other."""
    first, second = results(one), results(two)
    assert accuracies(first) == accuracies(second)
    for result in first.results:
        states = [
            ReferenceFolder(folder / "s" / result.point.name).load_state(torch.device("cpu"))
            for folder in (one, two)
        ]
        for name, weight in states[0]["model"].items():
            assert torch.equal(weight, states[1]["model"][name]), f"{result.point.name}, {name}"


def accuracies(found):
    return {r.point.name: (r.accuracy, r.test_accuracy) for r in found.results}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folder of a study of four points that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    assert run(folder, *GRID) == 0
    return folder


def test_a_grid_is_complete(whole):
    found = results(whole)
    assert [r.outcome for r in found.results] == ["trained"] * 4
    assert {(r.point.k, r.point.n) for r in found.results} == {(4, 2), (4, 1), (1, 2), (1, 1)}
    for result in found.results:
        folder = ReferenceFolder(whole / "s" / result.point.name)
        last = folder.records()[-1]
        assert (last["event"], last["epoch"]) == ("epoch", 2)
        assert last["test_accuracy"] == pytest.approx(result.accuracy, abs=1e-6)
        config = folder.read_config()
        assert (config["plan"]["interval"], config["plan"]["validation"]) == (result.point.k, 4)
        assert config["network"]["block_length"] == result.point.n
    names = {"report.md", "trials.csv", "pareto.png", "network.json", "study.journal"}
    assert names <= {path.name for path in (whole / "s").iterdir()}


def test_accuracies_are_those_of_the_weights_kept(whole, tmp_path):
    found = results(whole).results[0]
    job = explore_cases.job(tmp_path, *GRID)
    data = datasets.load(**job.data_options)
    training = ReferenceTraining(
        job.network_of(found.point), data, job.plan_of(found.point),
        ReferenceFolder(whole / "s" / found.point.name), on="cpu", display=Display(),
    )  # fmt: skip
    assert training.run().accuracy == found.accuracy
    assert trial.accuracy(training, data.test) == found.test_accuracy
    right = sum(
        int(training.trainer.infer_batch(torch.from_numpy(s.frames).permute(0, 3, 1, 2)[:, None])
            .argmax()) == s.label
        for s in data.test
    )  # fmt: skip
    assert found.test_accuracy == right / len(data.test)


def test_the_same_command_trains_nothing_again(whole, capsys, monkeypatch):
    monkeypatch.setattr(worker, "train", None)
    assert run(whole, *GRID) == 0
    assert "4 trials, 4 of them finished" in capsys.readouterr().out


def test_another_space_under_the_same_name_is_refused(whole, capsys):
    assert run(whole, "--k", "4,2", "--n", "2,1") == command.FAILED
    assert "space.k is [4, 2] in this command, but [4, 1] in study 's'" in capsys.readouterr().err


def test_a_killed_study_goes_on_from_the_checkpoint(whole, tmp_path, monkeypatch, capsys):
    real = Shares.advance

    def advance(self, work, text):
        real(self, work, text)
        if self._done / self._whole > 0.8:
            raise KilledError

    monkeypatch.setattr(Shares, "advance", advance)
    with pytest.raises(KilledError):
        run(tmp_path, *GRID)
    assert [r.outcome for r in results(tmp_path).results] == ["running"] + ["waiting"] * 3
    monkeypatch.setattr(Shares, "advance", real)
    begun = []
    monkeypatch.setattr(Shares, "shown", recording(Shares.shown, begun))
    monkeypatch.setattr(store, "_alive", lambda owner: False)
    assert run(tmp_path, *GRID) == 0
    assert "1 that broke off are queued again" in capsys.readouterr().out
    assert sorted(begun) == [0, 0, 0, 0.5]  # one had an epoch of its two
    same(tmp_path, whole)


def recording(shown, begun):
    def record(self, work):
        begun.append(round(1 - work / self._whole, 3))
        return shown(self, work)

    return record


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_study_goes_on_with_the_batch_it_was_at(
    whole, tmp_path, monkeypatch, capsys, number
):
    real = Shares.advance

    def advance(self, work, text):
        real(self, work, text)
        if 0.7 < self._done / self._whole < 0.75:  # the first of three batches of the last epoch
            signal.raise_signal(number)

    monkeypatch.setattr(Shares, "advance", advance)
    assert run(tmp_path, *GRID) == command.STOPPED
    assert "host.explore: stopped; the same command goes on" in capsys.readouterr().err
    first = next((tmp_path / "s").glob("k4-n2*"))
    progress = ReferenceFolder(first).load_state(torch.device("cpu"))["progress"]
    assert (progress["epoch"], progress["position"] > 0) == (1, True)
    assert sorted(r.outcome for r in results(tmp_path).results) == ["waiting"] * 4
    monkeypatch.setattr(Shares, "advance", real)
    assert run(tmp_path, *GRID) == 0
    same(tmp_path, whole)


def test_sigterm_stops_where_sigint_is_ignored(monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with pytest.raises(KeyboardInterrupt):
            command._stop()
    finally:
        signal.signal(signal.SIGINT, before)


def test_two_processes_share_a_study_and_agree_with_one(whole, tmp_path, capsys):
    assert run(tmp_path, *GRID, "--workers", "2") == 0
    same(tmp_path, whole)
    trials = store.load(tmp_path / "s", None, "s").trials
    points = [t.user_attrs["point"] for t in trials if store.outcome(t) == "trained"]
    assert len(points) == len(set(points)) == 4
    owners = {t.user_attrs["owner"] for t in trials if store.outcome(t) == "trained"}
    assert len(owners) in (1, 2)  # the first may be done before the second has begun
    assert "  4/4 k" in capsys.readouterr().out


def test_the_test_split_chooses_where_nothing_is_held_out(tmp_path):
    assert run(tmp_path, "--validation", "0", "--epochs", "1") == 0
    (result,) = results(tmp_path).results
    assert result.accuracy == result.test_accuracy
    text = (tmp_path / "s" / "report.md").read_text()
    assert "Accuracy is on the 10 test recordings (`--validation 0`)" in text


def test_what_does_not_fit_is_not_trained_if_so_asked(tmp_path, capsys):
    more = ("--width", "1,300", "--require-fit", "--epochs", "1")
    assert run(tmp_path, *more) == 0
    small, large = results(tmp_path).results
    assert (small.outcome, large.outcome) == ("trained", "does not fit")
    assert "weight_rows: needs" in large.reason
    assert not (tmp_path / "s" / large.point.name).exists()
    assert "width300.0-rate0.001-seed1: does not fit: weight_rows" in capsys.readouterr().out


def test_diverged_training_is_a_result(tmp_path, capsys):
    assert run(tmp_path, "--rate", "1e-3,1e9", "--epochs", "1") == 0
    fine, wild = results(tmp_path).results
    assert (fine.outcome, wild.outcome) == ("trained", "diverged")
    assert wild.reason.startswith("training diverged: weights of ")
    assert run(tmp_path, "--rate", "1e9", "--epochs", "1", name="t") == 0
    assert "no point has an accuracy, so there is no report" in capsys.readouterr().out


def test_a_failed_trial_is_told_and_tried_again(whole, tmp_path, capsys, monkeypatch):
    real, calls = worker.train, []

    def broken(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise OSError("disk full")
        return real(*arguments)

    monkeypatch.setattr(worker, "train", broken)
    assert run(tmp_path, *GRID) == command.FAILED
    told = capsys.readouterr()
    assert "k4-n1-trainable-width1.0-rate0.001-seed1: OSError: disk full" in told.out
    assert "k4-n1-trainable-width1.0-rate0.001-seed1: OSError: disk full" in told.err
    assert "host.explore: the same command tries again what failed" in told.err
    assert sorted(r.outcome for r in results(tmp_path).results) == ["failed"] + ["trained"] * 3
    assert run(tmp_path, *GRID) == 0
    same(tmp_path, whole)


def test_a_folder_of_another_run_is_not_gone_on_with(whole, tmp_path, capsys):
    name = "k4-n2-trainable-width1.0-rate0.001-seed1"
    copytree(whole / "s" / name, tmp_path / "s" / name)
    assert run(tmp_path, "--n", "2", "--epochs", "1") == command.FAILED
    assert "plan.epochs is 2 in" in (out := capsys.readouterr().out)
    assert "move that folder away or name another --folder" in out


def test_a_sampler_draws_on_sqlite(tmp_path):
    url = f"sqlite:///{tmp_path}/all.db"
    more = ("--sampler", "tpe", "--trials", "3", "--storage", url, "--rate", "1e-4:1e-2")
    assert run(tmp_path, *more, "--epochs", "1") == 0
    found = Results.of(store.load(tmp_path, url, "s"))
    assert [r.outcome for r in found.results] == ["trained"] * 3
    assert len({r.point.rate for r in found.results}) == 3
    assert (tmp_path / "s" / "report.md").is_file()


def test_workers_are_counted(tmp_path, capsys):
    assert run(tmp_path, "--workers", "0") == command.FAILED
    assert "--workers must be at least 1, not 0" in capsys.readouterr().err


def test_progress_counts_trials_of_other_machines(monkeypatch):
    shown = []

    class Bar(Display):
        def advance(self, work, text):
            shown.append((work, text))

        @staticmethod
        def say(text):
            shown.append(text)

    finished = iter([1, 3, 4])
    progress = workers.Progress(Bar(), 5, lambda: next(finished))
    progress.report(Message("a", 0.25))
    progress.report(Message("a", 1.0, "a: fine"))
    monkeypatch.setattr(workers, "OTHERS_SECONDS", -1.0)
    progress.report(Message("b", 0.5))
    assert shown == [
        (1250, "a, 25% of its epochs"), "  3/5 a: fine", (1750, "a, 100% of its epochs"),
        (1500, "b, 50% of its epochs"),
    ]  # fmt: skip
    assert progress.failed == []


def test_trials_of_another_host_are_told_and_taken_over(tmp_path, capsys):
    job = explore_cases.job(tmp_path, "--epochs", "1")
    queue = store.Queue(job, store.create(job))
    queue.fill()
    queue.owner = "elsewhere:1"
    queue.take()
    assert run(tmp_path, "--epochs", "1") == 0
    out = capsys.readouterr().out
    assert "1 trials are under way elsewhere (elsewhere:1); if those workers are gone, --r" in out
    assert run(tmp_path, "--epochs", "1", "--retry-running") == 0
    assert [r.outcome for r in results(tmp_path).results] == ["trained"]


def test_a_worker_that_cannot_begin_says_why(tmp_path, monkeypatch):
    messages = queues.SimpleQueue()
    monkeypatch.setattr(workers.os, "setpgrp", lambda: None)
    monkeypatch.setattr(workers.signal, "signal", lambda *_: None)
    job = replace(explore_cases.job(tmp_path), data_options={"name": "nothing"})
    workers._process(job, messages, threading.Event())
    message = messages.get_nowait()
    assert message.error
    assert message.line.startswith("a worker ended: ValueError: data set must be one of")


def test_killed_workers_are_told():
    assert workers.died([0, None]) == []
    assert workers.died([0, -9, 1]) == [
        "2 workers ended with status -9, 1; the same command queues their trials again"
    ]


@pytest.mark.parametrize("name", ["optuna", "torch"])
def test_a_missing_library_is_named(name, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, name, None)
    assert command.main(["report", "x"]) == command.FAILED
    assert f"{name} is not installed: pip install -e '.[explore,reference]'" in (
        capsys.readouterr().err
    )
