"""One trial: trains a point in its own run folder, tests it, says how far it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from host.datasets import DataSet, Split
from host.display import Display
from host.explore.job import Job
from host.explore.space import Point
from host.reference.batches import Batches
from host.reference.folder import ReferenceFolder
from host.reference.options import ReferenceRun
from host.reference.training import ReferenceTraining, splits
from host.study.records import refuse_difference
from host.training import TRAINING_WORK, InterruptedRunError

STEP = 0.002
"""Share of a trial that is worth a report."""


@dataclass(frozen=True)
class Message:
    """What a worker says.

    Attributes
    ----------
    name : str
        Of the point.
    share : float
        Of the trial that is done, 0 to 1.
    line : str
        What became of it; empty while it is under way.
    error : bool
        It failed, and is not done.
    """

    name: str
    share: float
    line: str = ""
    error: bool = False


Report = Callable[[Message], None]


class Shares(Display):
    """Passes progress on as the share of a trial instead of showing it.

    Parameters
    ----------
    name : str
        Of the point.
    whole : int
        Work of the trial from its first epoch on.
    report : callable
    """

    def __init__(self, name: str, whole: int, report: Report) -> None:
        super().__init__()
        self._name, self._whole, self._report = name, whole, report
        self._done, self._told = 0, -1.0

    @contextmanager
    def shown(self, work: int) -> Iterator[None]:
        """Begin with what an earlier run of the trial did."""
        self._done = max(0, self._whole - work)
        yield

    def advance(self, work: int, text: str) -> None:
        """Tell, now and then."""
        self._done += work
        share = min(1.0, self._done / self._whole)
        if share - self._told >= STEP:
            self._told = share
            self._report(Message(self._name, share))


def open_folder(job: Job, data: DataSet, point: Point) -> ReferenceFolder:
    """Return the run folder of a point, new or with what an earlier run left.

    Raises
    ------
    host.study.records.StudyError
        It holds a run of other settings.
    host.run_folder.RunFolderError
        It is damaged.
    """
    folder = ReferenceFolder(job.folder / point.name)
    run = ReferenceRun(data, dict(job.data_options), job.network_of(point), job.plan_of(point))
    if not folder.config.is_file():
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.write_config(run.to_dict())
        return folder
    old, new = folder.read_config(), json.loads(json.dumps(run.to_dict()))
    old.pop("versions", None)
    for config in (old, new):  # of this machine, not of the run
        config["data"] = {**config.get("data", {}), "data_dir": None}
    refuse_difference(
        folder.config, old, "this study", new, "move that folder away or name another --folder"
    )
    return folder


def train(
    job: Job, data: DataSet, point: Point, report: Report, stop: Callable[[], bool]
) -> dict[str, Any]:
    """Train a point, from its folder's checkpoint if there is one; return its results.

    Returns
    -------
    dict
        ``accuracy`` on the recordings that the plan tests on, ``test_accuracy``, both 0 to 1, and
        ``seconds`` of training over all runs of the trial.

    Raises
    ------
    host.training.InterruptedRunError
        The user or `stop` ended it; its folder holds a checkpoint.
    golden.reference.trainer.DivergedError
        Training diverged.
    """
    plan = job.plan_of(point)
    folder = open_folder(job, data, point)
    trained, tested = splits(data, plan)
    whole = plan.epochs * (TRAINING_WORK * len(trained) + len(tested))

    def on_epoch(epoch: int, accuracy: float) -> None:
        if stop() and epoch + 1 < plan.epochs:
            raise InterruptedRunError

    training = ReferenceTraining(
        job.network_of(point), data, plan, folder, on=job.device, say=lambda text: None,
        display=Shares(point.name, whole, report), on_epoch=on_epoch,
    )  # fmt: skip
    outcome = training.run()
    test = accuracy(training, data.test) if plan.validation else outcome.accuracy
    return {
        "accuracy": outcome.accuracy,
        "test_accuracy": test,
        "seconds": round(training.progress.seconds, 1),
    }


def accuracy(training: ReferenceTraining, split: Split) -> float:
    """Return the share of a split's recordings that a trained model classifies correctly."""
    batches = Batches(training.data, split, max(training.plan.batch, 64), 0, training.device)
    right = 0
    for frames, labels in batches.run():
        counts = training.trainer.infer_batch(frames, training.data.steps)
        right += int((counts.argmax(1) == labels).sum())
    return right / len(split)
