"""One run of a study, in a worker process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.queues import Queue
from pathlib import Path

import numpy as np

from golden.counters import Counters
from golden.initialise import initialise
from golden.qformat import Int
from golden.reference.recursion import FloatModel
from golden.trainer import GoldenModel
from host.study import recordings, records
from host.study.grid import Amount, Run
from host.study.records import INITIAL_RECORDINGS, Record
from host.training import Plan, recording_order

Report = Callable[[float, str], None]
"""Gets the share of the run that is done since the last call, and a line about it."""

PARTS = 10
"""Reports per epoch."""

_load = cache(recordings.load)


@cache
def _fingerprint(name: str, amount: Amount, data_dir: str | None) -> str:
    return _load(name, amount, data_dir).fingerprint()


@dataclass(frozen=True)
class Job:
    """A run with all it needs in another process."""

    run: Run
    amount: Amount
    data_dir: str | None
    folder: Path


def train(job: Job, report: Report = lambda share, text: None) -> Record:
    """Train and test one network; return the record, with the accuracies after each epoch.

    Raises
    ------
    OverflowError
        V of the golden model left its range.
    """
    run, amount = job.run, job.amount
    data = _load(run.data, amount, job.data_dir)
    network, settings = records.network(run, data), records.settings(run, data)
    plan = Plan(amount.epochs, amount.halve_every, run.seed)
    begin = time.process_time()
    first = recording_order(len(data.train), run.seed, 0)[:INITIAL_RECORDINGS]
    frames = [data.train[int(index)].frames for index in first]
    weights, codes = initialise(network, frames, seed=run.seed, run_seed=run.seed)
    counters = Counters()
    model: GoldenModel | FloatModel
    learn: Callable[..., Int]
    if run.model != "float":
        model = GoldenModel(network, settings=settings, weights=codes)
        learn = partial(model.train_sample, counters=counters)
    else:
        model = FloatModel(network, settings, weights)
        learn = model.train_sample
    training, test = [], []
    step = max(1, len(data.train) // PARTS)
    for epoch in range(plan.epochs):
        right = 0
        for number, index in enumerate(recording_order(len(data.train), run.seed, epoch), 1):
            sample = data.train[int(index)]
            counts = learn(sample.frames, sample.label, halvings=plan.halvings(epoch))
            right += int(np.argmax(counts)) == sample.label
            if number % step == 0:
                report(step / len(data.train) / plan.epochs, run.name)
        training.append(right / len(data.train))
        test.append(model.evaluate(data.test_samples()))
    record = records.describe(run, amount, data)
    record["result"] = {
        "test": test,
        "training": training,
        "recordings": _fingerprint(run.data, amount, job.data_dir),
        "saturations": counters.saturations if run.model != "float" else None,
        "seconds": round(time.process_time() - begin, 1),
    }
    return record


_progress: Queue[tuple[float, str]] | None = None


def connect(progress: Queue[tuple[float, str]]) -> None:
    """Let this worker process report to a queue, and leave Ctrl-C to the parent."""
    global _progress
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _progress = progress


def work(job: Job) -> Record:
    """Train, report progress to the queue as work done, and write the record."""
    whole, queue = job.run.work(job.amount), _progress

    def report(share: float, text: str) -> None:
        if queue is not None:
            queue.put((share * whole, text))

    record = train(job, report)
    records.write(job.folder, record)
    return record
