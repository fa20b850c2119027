"""Carries out trials one after the other and records them; one of any number of workers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from optuna.trial import Trial

from golden.cost.tables import amount
from golden.reference.trainer import DivergedError
from host import datasets
from host.datasets import DataSet
from host.explore import store
from host.explore.costs import QUANTITIES, costs
from host.explore.job import Job
from host.explore.space import Point
from host.explore.trial import Message, Report, train
from host.reference.allocator import keep_freed_memory
from host.training import InterruptedRunError

TOO_LARGE, DIVERGED = "does not fit", "diverged"
"""Outcomes of trials without an accuracy."""


def work(job: Job, report: Report, stop: Callable[[], bool] = lambda: False) -> None:
    """Carry out trials until none is left.

    A trial that fails is recorded and reported, and the next one is begun.

    Parameters
    ----------
    stop : callable
        Whether to end after this epoch.

    Raises
    ------
    KeyboardInterrupt
        The user stopped it; the trial under way is queued again.
    """
    keep_freed_memory()
    if job.threads is not None:
        torch.set_num_threads(job.threads)
    data = datasets.load(**job.data_options)
    queue = store.Queue(job, store.create(job))
    while not stop() and (taken := queue.take()) is not None:
        trial, point = taken
        try:
            line = _carry_out(job, data, queue, trial, point, report, stop)
        except (InterruptedRunError, KeyboardInterrupt):
            queue.again(trial, point)
            raise KeyboardInterrupt from None
        except Exception as error:  # whatever it is, other points may do
            reason = f"{type(error).__name__}: {error}"
            queue.fail(trial, reason)
            report(Message(point.name, 0.0, f"{point.name}: {reason}", error=True))
        else:
            report(Message(point.name, 1.0, f"{point.name}: {line}"))


def _carry_out(
    job: Job,
    data: DataSet,
    queue: store.Queue,
    trial: Trial,
    point: Point,
    report: Report,
    stop: Callable[[], bool],
) -> str:
    """Carry out a trial; return what became of it in a line."""
    report(Message(point.name, 0.0))
    cost = costs(job.network, point, data.steps, job.lanes)
    trial.set_user_attr("costs", cost.to_dict())
    if job.require_fit and cost.obstacles:
        reason = "; ".join(cost.obstacles)
        queue.reject(trial, TOO_LARGE, reason)
        return f"{TOO_LARGE}: {reason}"
    try:
        result = train(job, data, point, report, stop)
    except DivergedError as error:
        queue.reject(trial, DIVERGED, str(error))
        return str(error)
    accuracy, test = result["accuracy"], result["test_accuracy"]
    value = cost.quantities[job.cost]
    queue.complete(trial, accuracy, value, test_accuracy=test, seconds=result["seconds"])
    held = f"validation {accuracy:.2%}, " if job.plan.get("validation") else ""
    cost_text = f"{amount(value)} {QUANTITIES[job.cost]}"
    return f"{held}test {test:.2%}, {cost_text}, {result['seconds']:.0f} s"
