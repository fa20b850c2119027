"""The training loop of the float reference: epochs, evaluation, checkpoints, going on."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from golden.network import Network
from golden.reference.initialise import initialise
from golden.reference.loss import Loss
from golden.reference.model import Dropout, ReferenceModel
from golden.reference.trainer import Trainer
from golden.settings import intervals
from host.datasets import DataSet, Split
from host.datasets.data_set import balanced_rows
from host.display import Display, interruptible
from host.reference.batches import Batches
from host.reference.folder import ReferenceFolder
from host.reference.plan import ReferencePlan
from host.training import TRAINING_WORK, InterruptedRunError, recording_order

INITIAL_RECORDINGS = 64
"""Training recordings on which the first weights are scaled."""

SAVE_SECONDS = 300.0
"""A checkpoint is written at least this often [s]."""

POINTS = 8
"""Lines of metrics per epoch beside the one at its end."""


def device(name: str) -> torch.device:
    """Return a device by name; ``auto`` takes a GPU if there is one.

    Raises
    ------
    ValueError
        There is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"device {name!r} cannot be used: {reason}") from error
    return chosen


def splits(data: DataSet, plan: ReferencePlan) -> tuple[Split, Split]:
    """Return the recordings to train on and to test on.

    Raises
    ------
    ValueError
        No training recordings are left.
    """
    if not plan.validation:
        return data.train, data.test
    if plan.validation >= len(data.train):
        raise ValueError(
            f"validation must be below the {len(data.train)} training recordings, "
            f"not {plan.validation}"
        )
    held = balanced_rows(data.train.labels, plan.validation, plan.seed)
    rest = np.setdiff1d(np.arange(len(data.train)), held)
    return data.train.subset(rest), data.train.subset(held)


def make_optimizer(model: ReferenceModel, plan: ReferencePlan) -> torch.optim.Optimizer:
    """Return the plan's optimiser over the weights that learn."""
    learning = [p for p in model.parameters() if p.requires_grad]
    if plan.optimizer == "adam":
        return torch.optim.Adam(learning, lr=plan.rate)
    return torch.optim.SGD(learning, lr=plan.rate, momentum=plan.momentum)


def _check_batches(network: Network, recordings: int, steps: int, plan: ReferencePlan) -> None:
    """Refuse batches in which a batch normalisation would average a single value."""
    shortest = min(length for _, length in intervals(steps, plan.interval))
    left = recordings % plan.batch or plan.batch
    for layer in network.weighted:
        if (
            layer.batch_norm
            and left * math.prod(layer.out_shape[:2]) * (1 if layer.direct else shortest) < 2
        ):
            raise ValueError(
                f"{layer.name} has batch normalisation, which needs more than one value per "
                f"channel: with batch {plan.batch} the last of {recordings} recordings is the "
                "only 1 left; use another batch size or a longer interval"
            )


@dataclass
class Progress:
    """How far a run has come.

    Attributes
    ----------
    epoch, position : int
        Epochs that are complete; recordings trained in the one under way.
    right, recent, recent_right : int
        Of those, classified correctly; trained, and correct, since the last line of metrics.
    samples, records : int
        Recordings trained in the run; lines of metrics.
    seconds : float
        Time taken [s].
    """

    epoch: int = 0
    position: int = 0
    right: int = 0
    recent: int = 0
    recent_right: int = 0
    samples: int = 0
    records: int = 0
    seconds: float = 0.0


@dataclass(eq=False)
class Outcome:
    """Result of a run.

    Attributes
    ----------
    accuracy : float
        On the test recordings after the last epoch, 0 to 1.
    history : list of float
        The same after each epoch of this call.
    confusion : NDArray
        Test recordings per (class, answer).
    """

    accuracy: float
    confusion: NDArray[np.int64]
    history: list[float] = field(default_factory=list)


class ReferenceTraining:
    """One run of the float reference.

    Parameters
    ----------
    network : Network
    data : DataSet
        Its frames suit the network.
    plan : ReferencePlan
    folder : ReferenceFolder, optional
        Where metrics and checkpoints go, and come from if there is one; None keeps nothing.
    on : str
        Device, or ``auto``.
    workers : int
        Processes that read recordings ahead.
    say : callable, optional
        Gets every line for the user; prints it above the progress bar by default.
    display : Display, optional
        Shows progress; a bar by default.
    on_epoch : callable, optional
        Called with (epoch, accuracy) after each; may raise to end the run.

    Raises
    ------
    ValueError
        k is impossible, frames do not suit, the device is not there.
    """

    def __init__(
        self,
        network: Network,
        data: DataSet,
        plan: ReferencePlan,
        folder: ReferenceFolder | None = None,
        *,
        on: str = "auto",
        workers: int = 0,
        say: Callable[[str], None] | None = None,
        display: Display | None = None,
        on_epoch: Callable[[int, float], None] | None = None,
    ) -> None:
        intervals(data.steps, plan.interval)
        self.data, self.plan, self.folder = data, plan, folder
        self.device = device(on)
        train, test = splits(data, plan)
        _check_batches(network, len(train), data.steps, plan)
        self._train = Batches(data, train, plan.batch, workers, self.device)
        self._test = Batches(data, test, max(plan.batch, 64), workers, self.device)
        torch.manual_seed(plan.seed)
        self.model = ReferenceModel(
            network, dropout=Dropout(plan.dropout), loss=Loss(plan.loss, plan.temperature_shift)
        ).to(self.device)
        self.optimizer = make_optimizer(self.model, plan)
        self.trainer = Trainer(self.model, self.optimizer, plan.interval, plan.update_every)
        self.progress = Progress()
        self._display = display or Display()
        self.say = say or self._display.say
        self._on_epoch = on_epoch
        self._stop = False
        self._clock = self._saved = time.monotonic()

    def run(self) -> Outcome:
        """Train to the end of the plan, from the folder's checkpoint if it has one.

        Raises
        ------
        InterruptedRunError
            The user stopped it; the folder holds a checkpoint.
        DivergedError
            Weights are no longer finite numbers; the folder's checkpoint is from before.
        """
        self._begin()
        outcome = None
        history = []
        with self._display.shown(self._work()), interruptible(self._on_stop):
            for epoch in range(self.progress.epoch, self.plan.epochs):
                outcome = self._epoch(epoch)
                history.append(outcome.accuracy)
                if self._on_epoch is not None:
                    self._on_epoch(epoch, outcome.accuracy)
            if outcome is None:
                outcome = self._evaluate("after")
        outcome.history = history
        return outcome

    def _begin(self) -> None:
        self._clock = self._saved = time.monotonic()
        if self.folder is not None and self.folder.has_state:
            self._load(self.folder.load_state(self.device))
            return
        order = recording_order(len(self._train), self.plan.seed, 0)[:INITIAL_RECORDINGS]
        frames = torch.cat([frames for frames, _ in self._train.run(order)], 1)
        initialise(self.model, frames, self.data.steps, seed=self.plan.seed)
        self._save()

    def _epoch(self, epoch: int) -> Outcome:
        progress, plan = self.progress, self.plan
        for group in self.optimizer.param_groups:
            group["lr"] = plan.rate_in(epoch)
        name = f"epoch {epoch + 1}/{plan.epochs}"
        order = recording_order(len(self._train), plan.seed, epoch)
        step = -(-len(order) // POINTS)
        for frames, labels in self._train.run(order[progress.position :]):
            counts, _ = self.trainer.train_batch(frames, labels, self.data.steps)
            right = int((counts.argmax(1) == labels).sum())
            progress.position += len(labels)
            progress.samples += len(labels)
            progress.right += right
            progress.recent += len(labels)
            progress.recent_right += right
            share = progress.right / progress.position
            self._display.advance(
                TRAINING_WORK * len(labels), f"{name}, training accuracy so far {share:.1%}"
            )
            if progress.recent >= step or progress.position == len(order):
                self._record("training", epoch + 1, progress.recent_right / progress.recent)
                progress.recent = progress.recent_right = 0
            if self._stop or time.monotonic() - self._saved > SAVE_SECONDS:
                self._save()
                if self._stop:
                    raise InterruptedRunError
        outcome = self._evaluate(name)
        trained = progress.right / len(order)
        progress.epoch, progress.position, progress.right = epoch + 1, 0, 0
        self._record("epoch", epoch + 1, trained, outcome.accuracy)
        self._save()
        self.say(
            f"{name}: training accuracy {trained:.1%}, test accuracy {outcome.accuracy:.2%}, "
            f"{progress.seconds:.0f} s"
        )
        return outcome

    def _evaluate(self, name: str) -> Outcome:
        self.trainer.check()
        classes = self.model.network.classes
        silent = True
        confusion = np.zeros((classes, classes), np.int64)
        for frames, labels in self._test.run():
            counts = self.trainer.infer_batch(frames, self.data.steps)
            silent &= not bool(counts.any())
            answers = counts.argmax(1)
            np.add.at(confusion, (labels.cpu().numpy(), answers.cpu().numpy()), 1)
            self._display.advance(len(labels), f"{name}, evaluation")
            if self._stop:
                self._save()
                raise InterruptedRunError
        if silent:
            self.say(f"{name}: the output fired for no test recording (rate too high?)")
        return Outcome(float(np.trace(confusion) / confusion.sum()), confusion)

    def _work(self) -> int:
        left = self.plan.epochs - self.progress.epoch
        train = TRAINING_WORK * (left * len(self._train) - self.progress.position)
        return train + max(left, 1) * len(self._test)

    def _on_stop(self) -> None:
        self._stop = True
        self.say("stopping after this batch (Ctrl-C again: at once)")

    # ---- what is kept -------------------------------------------------------------------------

    def _record(
        self,
        event: str,
        epoch: int,
        train_accuracy: float,
        test_accuracy: float | None = None,
    ) -> None:
        progress = self.progress
        now = time.monotonic()
        progress.seconds += now - self._clock
        self._clock = now
        progress.records += 1
        if self.folder is None:
            return
        record: dict[str, Any] = {
            "event": event,
            "epoch": epoch,
            "samples": progress.samples,
            "halvings": self.plan.halvings(epoch - 1),
            "train_accuracy": round(train_accuracy, 6),
        }
        if test_accuracy is not None:
            record["test_accuracy"] = round(test_accuracy, 6)
        record["seconds"] = round(progress.seconds, 3)
        self.folder.append(record)

    def _save(self) -> None:
        self.trainer.check()
        self._saved = time.monotonic()
        if self.folder is None:
            return
        cuda = torch.cuda.get_rng_state_all() if self.device.type == "cuda" else []
        self.folder.save_state(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "progress": vars(self.progress),
                "trained_intervals": self.trainer.trained_intervals,
                "gathered": [weight.grad for weight in self.model.parameters()]
                if self.trainer.trained_intervals % self.plan.update_every
                else [],
                "random": torch.get_rng_state(),
                "random_cuda": cuda,
            }
        )

    def _load(self, state: dict[str, Any]) -> None:
        assert self.folder is not None
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress(**state["progress"])
        self.trainer.trained_intervals = state["trained_intervals"]
        for weight, gathered in zip(self.model.parameters(), state["gathered"], strict=False):
            weight.grad = gathered
        torch.set_rng_state(state["random"].cpu())
        if self.device.type == "cuda" and state["random_cuda"]:
            torch.cuda.set_rng_state_all([part.cpu() for part in state["random_cuda"]])
        self.folder.truncate(self.progress.records)
