"""Trials of a study in Optuna's storage, which any number of workers and machines share.

A grid's points are queued and popped in one step by the storage, so that no two workers train the
same one. What remains is settled by the number of the trial, which the storage gives in order: of
two trials of one point the one with the lower number counts, the other is *surplus* and ignored by
everything here. The same goes for trials beyond the number that a sampler is to draw.
"""

from __future__ import annotations

import os
import re
import socket
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from host.explore.job import Job
from host.explore.space import ExploreError, Point, params
from host.study.records import refuse_difference

JOURNAL = "study.journal"
"""File in a study's folder."""

DIRECTIONS = ("maximize", "minimize")
"""Accuracy, cost."""

SURPLUS = "surplus"
"""Outcome of a trial that is ignored."""

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
ACTIVE = (*FINISHED, TrialState.RUNNING, TrialState.WAITING)
"""States of a trial that counts for its point: one that failed is queued again."""

POPULATION = 20
"""Of NSGA-II: a study has tens of points, of which Optuna's 50 would be the first generation."""

ATTEMPTS = 50
"""Draws in a row that only give points under way."""

PATIENCE = 10.0
"""How long a trial with a lower number may take to say which point it is [s]."""

optuna.logging.set_verbosity(optuna.logging.WARNING)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)


def hidden_password(url: str) -> str:
    """Return a URL to show."""
    return re.sub(r"(://[^:/@]*):[^@]*@", r"\1:***@", url)


def open_storage(folder: Path, url: str | None, *, new: bool = False) -> BaseStorage | str:
    """Return the storage of a study: of a URL, or the journal in its folder.

    Raises
    ------
    ExploreError
        There is no journal and `new` is not set.
    """
    if url is not None:
        return url
    path = (folder / JOURNAL).absolute()  # Optuna's lock beside it needs the whole path
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.is_file():
        raise ExploreError(f"{folder} holds no study: it has no {JOURNAL}")
    return JournalStorage(JournalFileBackend(str(path)))


def _connect(url: str | None, action: Any, **options: Any) -> Any:
    """Return what Optuna makes of a storage; its errors in one line."""
    try:
        return action(**options)
    except Exception as error:  # of Optuna, SQLAlchemy and any driver
        if url is None:
            raise
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ExploreError(
            f"storage {hidden_password(url)} cannot be used: {reason}"
        ) from error


def load(folder: Path, url: str | None, name: str | None) -> optuna.Study:
    """Return a study that is there; the only one of its storage where no name is given.

    Raises
    ------
    ExploreError
        There is none, or several and no name.
    """
    storage = open_storage(folder, url)
    there = _connect(url, optuna.get_all_study_names, storage=storage)
    if name is None and len(there) == 1:
        name = there[0]
    if name not in there:
        wanted = "name one" if name is None else f"not {name!r}"
        raise ExploreError(f"the storage holds the studies {', '.join(there) or '–'}: {wanted}")
    study: optuna.Study = _connect(url, optuna.load_study, study_name=name, storage=storage)
    if "settings" not in study.user_attrs:
        raise ExploreError(f"study {name!r} was not made by host.explore")
    return study


def create(job: Job) -> optuna.Study:
    """Return the study of a job, new or as it was left.

    Raises
    ------
    ExploreError
        The storage cannot be opened, or the study is not of this kind.
    host.study.records.StudyError
        Settings or space differ from those the study was begun with.
    """
    storage = open_storage(job.folder, job.storage, new=True)
    study: optuna.Study = _connect(
        job.storage, optuna.create_study, study_name=job.name, storage=storage,
        directions=DIRECTIONS, load_if_exists=True, sampler=_sampler(job),
    )  # fmt: skip
    if "settings" not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise ExploreError(f"study {job.name!r} was not made by host.explore: choose another")
        study.set_user_attr("settings", job.settings)
    refuse_difference(
        "this command", job.settings, f"study {job.name!r}", study.user_attrs["settings"],
        "give the options it was begun with, or another --study",
    )  # fmt: skip
    return study


def _sampler(job: Job) -> optuna.samplers.BaseSampler:
    if job.sampler == "tpe":
        return optuna.samplers.TPESampler(constant_liar=True)
    if job.sampler == "nsga2":
        return optuna.samplers.NSGAIISampler(population_size=POPULATION)
    return optuna.samplers.RandomSampler()  # of a grid: every value is given


def outcome(trial: FrozenTrial) -> str:
    """Return how a trial ended, empty if it has not."""
    return str(trial.user_attrs.get("outcome", ""))


def _alive(owner: str) -> bool:
    """Whether a process, named ``host:pid``, may still run: it does unless this host knows."""
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


class Queue:
    """The trials of a study, for one worker.

    Parameters
    ----------
    job : Job
    study : optuna.Study
    """

    def __init__(self, job: Job, study: optuna.Study) -> None:
        self.job, self.study = job, study
        self.owner = f"{socket.gethostname()}:{os.getpid()}"

    def trials(self) -> list[FrozenTrial]:
        """Return the trials that are not surplus."""
        return [t for t in self.study.get_trials(deepcopy=False) if outcome(t) != SURPLUS]

    def finished(self) -> int:
        """Return the number of trials with a result, copies included."""
        return sum(trial.state in FINISHED for trial in self.trials())

    def running(self) -> list[str]:
        """Return the processes, as ``host:pid``, of the trials under way."""
        found = [t for t in self.trials() if t.state == TrialState.RUNNING]
        return [str(trial.user_attrs.get("owner", "unknown")) for trial in found]

    def recover(self, everything: bool = False) -> int:
        """Queue again what dead processes of this host left running; return how many.

        Parameters
        ----------
        everything : bool
            All that is marked as running: when no other worker does.
        """
        count = 0
        for trial in self.trials():
            owner = str(trial.user_attrs.get("owner", ""))
            if trial.state == TrialState.RUNNING and (
                everything or (owner and not _alive(owner))
            ):
                count += self._end(trial.number, TrialState.FAIL)
        self.fill()
        return count

    def fill(self) -> None:
        """Queue the points that have no trial that counts: a grid's, and those that failed."""
        trials = self.trials()
        active = [trial for trial in trials if trial.state in ACTIVE]
        room = self.job.total - len(active)
        there = {trial.user_attrs.get("point") for trial in active}
        wanted = {point.name: params(point) for point in self._grid()}
        for trial in trials:
            name = trial.user_attrs.get("point")
            if trial.state == TrialState.FAIL and name and trial.params:
                wanted.setdefault(str(name), trial.params)
        for name, values in [item for item in wanted.items() if item[0] not in there][:room]:
            self._enqueue(name, values)

    def _grid(self) -> list[Point]:
        return self.job.space.points() if self.job.sampler == "grid" else []

    def _enqueue(self, name: str, values: Mapping[str, Any]) -> None:
        self.study.enqueue_trial(dict(values), user_attrs={"point": name})

    def take(self) -> tuple[Trial, Point] | None:
        """Return a trial to carry out and its point; None if nothing is left for this worker."""
        for _ in range(ATTEMPTS):
            if not self._more():
                return None
            trial = self.study.ask()
            trial.set_user_attr("owner", self.owner)
            queued = "point" in trial.user_attrs
            if not queued and self.job.sampler == "grid":  # another worker took the last one
                self._end(trial, TrialState.FAIL, outcome=SURPLUS)
                return None
            point = self.job.space.suggest(trial)
            if not queued:
                trial.set_user_attr("point", point.name)
                self._wait_for_points(trial.number)
            before = [
                t for t in self.trials() if t.number < trial.number and t.state in ACTIVE
            ]
            if self.job.trials is not None and len(before) >= self.job.trials:
                self._end(trial, TrialState.FAIL, outcome=SURPLUS)
                return None
            twins = [t for t in before if t.user_attrs.get("point") == point.name]
            if not twins:
                return trial, point
            self._resolve(trial, twins[0], queued)
        return None

    def _more(self) -> bool:
        states = [trial.state for trial in self.trials()]
        if TrialState.WAITING in states:
            return True
        active = sum(state in ACTIVE for state in states)
        return self.job.trials is not None and active < self.job.trials

    def _wait_for_points(self, number: int) -> None:
        """Wait until all trials with a lower number have said which point they are."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and any(
            t.number < number and t.state == TrialState.RUNNING and "point" not in t.user_attrs
            for t in self.trials()
        ):
            time.sleep(0.05)

    def _resolve(self, trial: Trial, twin: FrozenTrial, queued: bool) -> None:
        """End a trial of a point that another has: drawn once more it gets the same result."""
        if queued or twin.state not in FINISHED:
            self._end(trial, TrialState.FAIL, outcome=SURPLUS)
            return
        attributes = {**twin.user_attrs, "owner": self.owner, "copy_of": twin.number}
        self._end(trial, twin.state, twin.values, **attributes)

    def complete(self, trial: Trial, accuracy: float, cost: float, **attributes: Any) -> None:
        """Record a trained point."""
        values = [accuracy, cost]
        self._end(trial, TrialState.COMPLETE, values, outcome="trained", **attributes)

    def reject(self, trial: Trial, outcome: str, reason: str) -> None:
        """Record a point that has no accuracy, such as one whose training diverged."""
        self._end(trial, TrialState.PRUNED, outcome=outcome, reason=reason)

    def fail(self, trial: Trial, reason: str) -> None:
        """Record an error; the study's next run tries the point again."""
        self._end(trial, TrialState.FAIL, outcome="failed", reason=reason)

    def again(self, trial: Trial, point: Point) -> None:
        """Queue a trial again that was stopped."""
        self._end(trial, TrialState.FAIL, outcome="stopped")
        self._enqueue(point.name, params(point))

    def _end(
        self,
        trial: Trial | int,
        state: TrialState,
        values: list[float] | None = None,
        **attributes: Any,
    ) -> bool:
        """End a trial; return whether it was still running."""
        try:
            if isinstance(trial, Trial):
                for name, value in attributes.items():
                    trial.set_user_attr(name, value)
            self.study.tell(trial, values, state=state)
        except optuna.exceptions.UpdateFinishedTrialError:  # given to another worker meanwhile
            return False
        return True
