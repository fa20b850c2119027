"""Trials that several workers share: each point once, whatever happens to a worker."""

import os
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="host.explore needs the extra reference")
optuna = pytest.importorskip("optuna", reason="host.explore needs the extra explore")

from optuna.trial import TrialState  # noqa: E402

from host.explore import store  # noqa: E402
from host.explore.space import ExploreError  # noqa: E402
from host.study.records import StudyError  # noqa: E402
from tests.host import explore_cases  # noqa: E402

GRID = ("--k", "4,2,1", "--n", "2,1")
STORAGES = ("journal", "sqlite")


@pytest.fixture
def make(tmp_path):
    """Make a job on a journal or an SQLite file."""

    def job(*more, kind="journal"):
        url = () if kind == "journal" else ("--storage", f"sqlite:///{tmp_path}/all.db")
        return explore_cases.job(tmp_path, *url, *more)

    return job


def queue(job):
    return store.Queue(job, store.create(job))


def drain(*queues):
    """Take turns until nothing is left; names of the points that were carried out."""
    done, open_ = [], list(queues)
    while open_:
        for own in tuple(open_):
            taken = own.take()
            if taken is None:
                open_.remove(own)
                continue
            trial, point = taken
            done.append(point.name)
            own.complete(trial, 0.5, 1.0)
    return done


@pytest.mark.parametrize("kind", STORAGES)
def test_two_workers_share_a_grid(make, kind):
    job = make(*GRID, kind=kind)
    one, two = queue(job), queue(job)
    one.fill()
    two.fill()
    done = drain(one, two)
    assert sorted(done) == sorted(point.name for point in job.space.points())
    assert one.finished() == two.finished() == job.total == 6


def test_a_grid_that_two_queued_at_once_is_done_once(make):
    """Both saw an empty study: of the twelve trials, six are surplus."""
    job = make(*GRID)
    one, two = queue(job), queue(job)
    for point in job.space.points() * 2:
        one._enqueue(point.name, store.params(point))
    assert set(Counter(drain(one, two)).values()) == {1}
    assert one.finished() == 6
    assert len(one.study.trials) == 12


def test_of_two_trials_of_a_point_the_lower_number_counts(make):
    """Were it any other rule, two workers that hold one each would both give way."""
    job = make()
    own = queue(job)
    for point in job.space.points() * 2:
        own._enqueue(point.name, store.params(point))
    assert own.take()[0].number == 0
    assert own.take() is None
    assert [store.outcome(trial) for trial in own.study.trials] == ["", "surplus"]


def test_a_worker_that_comes_too_late_for_the_last_trial_leaves_no_trace(make, monkeypatch):
    job = make()
    one, two = queue(job), queue(job)
    one.fill()
    taken = one.take()
    monkeypatch.setattr(two, "_more", lambda: True)  # it looked before the other asked
    assert two.take() is None
    assert [store.outcome(trial) for trial in two.study.trials] == ["", "surplus"]
    assert len(two.trials()) == 1
    one.complete(taken[0], 0.5, 1.0)
    assert one.finished() == 1


@pytest.mark.parametrize("kind", STORAGES)
def test_trials_of_a_dead_process_are_queued_again(make, kind):
    job = make("--k", "4,2", kind=kind)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    one = queue(job)
    one.fill()
    one.owner = f"{socket.gethostname()}:{dead.pid}"
    _, lost = one.take()
    one.owner = f"elsewhere:{dead.pid}"
    _, other = one.take()
    two = queue(job)
    assert two.recover() == 1
    assert two.recover() == 0
    assert two.running() == [f"elsewhere:{dead.pid}"]
    assert drain(two) == [lost.name]
    assert two.recover(everything=True) == 1
    assert drain(two) == [other.name]
    assert two.finished() == 2


def test_a_live_process_keeps_its_trial(make, monkeypatch):
    one = queue(make())
    one.fill()
    assert one.take() is not None
    assert one.recover() == 0
    assert one.running() == [f"{socket.gethostname()}:{os.getpid()}"]

    def denied(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", denied)  # a process of another user lives, too
    assert one.recover() == 0


def test_what_was_taken_over_is_not_recorded_twice(make):
    job = make()
    one, two = queue(job), queue(job)
    one.fill()
    late, _ = one.take()
    assert two.recover(everything=True) == 1
    assert len(drain(two)) == 1
    one.complete(late, 0.9, 2.0)
    assert [t.values for t in two.trials() if t.state == TrialState.COMPLETE] == [[0.5, 1.0]]


def test_a_stopped_trial_is_queued_again_and_a_failed_one_by_the_next_run(make):
    job = make("--k", "4,2")
    own = queue(job)
    own.fill()
    first = own.take()
    own.again(*first)
    second = own.take()
    own.fail(second[0], "OSError: disk full")
    assert drain(own) == [first[1].name]
    own.recover()
    assert drain(own) == [second[1].name]
    assert own.finished() == 2


@pytest.mark.parametrize(("sampler", "kind"), [("tpe", "journal"), ("nsga2", "sqlite")])
def test_two_workers_draw_as_many_points_as_asked(make, sampler, kind):
    job = make("--sampler", sampler, "--trials", "8", "--rate", "1e-4:1e-2", "--k", "4,2",
               "--width", "0.5:2", kind=kind)  # fmt: skip
    done = drain(queue(job), queue(job))
    assert len(done) == len(set(done)) == 8
    more = replace(job, trials=10)
    assert len(drain(queue(more))) == 2


def test_a_point_drawn_again_gets_the_result_it_had(make):
    job = make("--sampler", "tpe", "--trials", "6", "--k", "4,2")
    own = queue(job)
    done = drain(own)
    assert sorted(done) == sorted(set(done))
    copies = [t for t in own.trials() if "copy_of" in t.user_attrs]
    assert len(done) + len(copies) == own.finished() == 6
    assert all(trial.values == [0.5, 1.0] for trial in copies)


def test_a_point_drawn_while_another_trains_it_is_left_alone(make, monkeypatch):
    monkeypatch.setattr(store, "ATTEMPTS", 3)
    job = make("--sampler", "tpe", "--trials", "4")
    one, two = queue(job), queue(job)
    taken = one.take()
    assert two.take() is None
    assert len(two.trials()) == 1
    one.complete(taken[0], 0.5, 1.0)
    assert drain(two) == []
    assert two.finished() == 4


def test_draws_wait_for_points_of_lower_numbers(make, monkeypatch):
    job = make("--sampler", "tpe", "--trials", "4", "--k", "4,2")
    one = queue(job)
    one.study.ask()  # killed before it said which point it is
    monkeypatch.setattr(store, "PATIENCE", 0.1)
    assert one.take() is not None
    assert one.running() == ["unknown", one.owner]


def test_a_point_that_a_lower_number_says_late_is_left_to_it(make, monkeypatch):
    job = make("--sampler", "tpe", "--trials", "4")
    own = queue(job)
    late = own.study.ask()
    name = job.space.points()[0].name
    monkeypatch.setattr(store.time, "sleep", lambda seconds: late.set_user_attr("point", name))
    monkeypatch.setattr(store, "ATTEMPTS", 3)
    assert own.take() is None


def test_one_trial_too_many_is_surplus(make, monkeypatch):
    job = make("--sampler", "tpe", "--trials", "1", "--rate", "1e-4:1e-2")
    one, two = queue(job), queue(job)
    monkeypatch.setattr(two, "_more", lambda: True)
    assert one.take() is not None
    assert two.take() is None
    assert len(two.trials()) == 1


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (["--epochs", "3"], "plan.epochs is 3 in this command, but 2 in study 's'"),
        (["--k", "4,2"], r"space.k is \[4, 2\] in this command, but \[4\] in study 's'"),
        (["--train-limit", "30"], "data.train_limit is 30 in this command, but 40"),
        (["--cost", "macs"], "cost is macs in this command, but cycles"),
        (["--require-fit"], "require_fit is True in this command, but False"),
    ],
)
def test_other_settings_under_the_same_name_are_refused(make, more, named):
    store.create(make())
    with pytest.raises(StudyError, match=f"{named}.*give the options it was begun with, or anoth"):
        store.create(make(*more))


def test_what_may_change_is_not_a_setting(make):
    store.create(make())
    store.create(make("--device", "cpu", "--threads", "2", "--workers", "3"))


def test_a_study_of_another_program_is_refused(make, tmp_path):
    job = make(kind="sqlite")
    directions = ["maximize", "minimize"]
    study = optuna.create_study(study_name="s", storage=job.storage, directions=directions)
    with pytest.raises(ExploreError, match=r"study 's' was not made by host\.explore"):
        store.load(tmp_path, job.storage, "s")
    study.ask()
    with pytest.raises(ExploreError, match=r"not made by host\.explore: choose another"):
        store.create(job)


def test_a_storage_that_cannot_be_opened_is_named_without_its_password(make):
    job = replace(make(), storage="nosuch://me:secret@host/db")
    with pytest.raises(ExploreError, match=r"storage nosuch://me:\*\*\*@host/db cannot be used: C"):
        store.create(job)


def test_load_names_what_is_there(make, tmp_path):
    with pytest.raises(ExploreError, match=r"nowhere holds no study: it has no study\.journal"):
        store.load(tmp_path / "nowhere", None, None)
    job = make(kind="sqlite")
    store.create(job)
    assert store.load(tmp_path, job.storage, None).study_name == "s"
    with pytest.raises(ExploreError, match="the storage holds the studies s: not 'x'"):
        store.load(tmp_path, job.storage, "x")
    store.create(replace(job, name="t"))
    with pytest.raises(ExploreError, match="the storage holds the studies s, t: name one"):
        store.load(tmp_path, job.storage, None)
