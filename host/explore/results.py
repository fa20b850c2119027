"""Results of a study as the report takes them: trials, candidates over seeds, front and choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from golden.cutting import block_lengths
from golden.network import CLASSIFIERS, Network
from host.explore import pareto
from host.explore.costs import Costs
from host.explore.space import AXES, ExploreError, Point
from host.explore.store import SURPLUS, outcome

TRAINED = "trained"


@dataclass(frozen=True)
class Result:
    """One trial.

    Attributes
    ----------
    number : int
        Of the trial in Optuna's study.
    point : Point
    outcome : str
        ``trained``, ``diverged``, ``does not fit``, ``failed``, ``running`` or ``waiting``.
    reason : str
        Why it has no accuracy.
    costs : Costs, optional
        None where the trial has not begun.
    accuracy, test_accuracy : float, optional
        On what the study chooses by, and on the test split, 0 to 1.
    seconds : float, optional
        Of training [s].
    """

    number: int
    point: Point
    outcome: str
    reason: str
    costs: Costs | None
    accuracy: float | None
    test_accuracy: float | None
    seconds: float | None


@dataclass(frozen=True)
class Candidate:
    """Trained trials that differ in their seed alone.

    Attributes
    ----------
    point : Point
        With seed 0.
    results : tuple of Result
        In the order of their seeds.
    """

    point: Point
    costs: Costs
    results: tuple[Result, ...]

    @cached_property
    def accuracies(self) -> tuple[float, ...]:
        """Accuracy of each seed, 0 to 1."""
        return tuple(result.accuracy or 0.0 for result in self.results)

    @property
    def accuracy(self) -> float:
        """Mean over the seeds, 0 to 1."""
        return float(np.mean(self.accuracies))

    @property
    def test_accuracy(self) -> float:
        """Mean over the seeds, 0 to 1."""
        return float(np.mean([result.test_accuracy or 0.0 for result in self.results]))


@dataclass(frozen=True)
class Results:
    """A study's settings and results.

    Attributes
    ----------
    name : str
        Of the study.
    settings : mapping
        As `host.explore.job.Job.settings`.
    results : tuple of Result
        Of all trials that count, by number.
    """

    name: str
    settings: Mapping[str, Any]
    results: tuple[Result, ...]

    @classmethod
    def of(cls, study: optuna.Study) -> Results:
        """Return the results of a study."""
        trials = study.get_trials(deepcopy=False)
        kept = [t for t in trials if outcome(t) != SURPLUS and "copy_of" not in t.user_attrs]
        active = {t.user_attrs.get("point") for t in kept if t.state != TrialState.FAIL}
        failed = {
            t.user_attrs.get("point"): t
            for t in kept
            if t.state == TrialState.FAIL and t.user_attrs.get("point") not in active
        }
        shown = [t for t in kept if t.state != TrialState.FAIL] + list(failed.values())
        results = [_result(trial) for trial in sorted(shown, key=lambda t: t.number)]
        return cls(
            study.study_name,
            study.user_attrs["settings"],
            tuple(result for result in results if result is not None),
        )

    @cached_property
    def network(self) -> Network:
        """The network at width 1."""
        return Network.from_dict(dict(self.settings["network"]))

    @property
    def steps(self) -> int:
        """T."""
        return int(self.settings["recordings"]["steps"])

    @property
    def cost(self) -> str:
        """Name of the quantity that accuracy is set against."""
        return str(self.settings["cost"])

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """All candidates, the most accurate first."""
        groups: dict[Point, list[Result]] = {}
        for result in self.results:
            if result.outcome == TRAINED:
                groups.setdefault(result.point.candidate, []).append(result)
        found = [
            Candidate(point, costs, tuple(sorted(group, key=lambda r: r.point.seed)))
            for point, group in groups.items()
            if (costs := group[0].costs) is not None
        ]
        return tuple(sorted(found, key=lambda c: (-c.accuracy, self.value(c))))

    def value(self, candidate: Candidate) -> float:
        """Return a candidate's cost."""
        return candidate.costs.quantities[self.cost]

    @cached_property
    def front(self) -> tuple[Candidate, ...]:
        """The Pareto-optimal candidates, the cheapest first."""
        accuracies = [candidate.accuracy for candidate in self.candidates]
        values = [self.value(candidate) for candidate in self.candidates]
        return tuple(self.candidates[place] for place in pareto.front(accuracies, values))

    @cached_property
    def base(self) -> Candidate | None:
        """Plain BP at k = T with a trainable output layer, of width 1, where it was trained."""
        hidden = sum(block_lengths(self.network.layers, 1))
        wanted = (self.steps, hidden, CLASSIFIERS[0], 1.0)
        for candidate in self.candidates:
            point = candidate.point
            if (point.k, point.n, point.classifier, point.width) == wanted:
                return candidate
        return None

    def merit(self, candidate: Candidate) -> float:
        """Return the figure of merit, Eq (18); less is better.

        Accuracy is lost against `base`, or the best of the study where that was not trained: this
        shifts all figures by the same.
        """
        best = self.base or self.candidates[0]
        return best.accuracy - candidate.accuracy + candidate.costs.merit

    def pick(self, asked: str) -> Candidate:
        """Return the candidate to go on with.

        Parameters
        ----------
        asked : str
            ``accuracy`` or ``fom``, the best among those that fit the board, or among all if none
            does; or the number of a trial.

        Raises
        ------
        ExploreError
            Nothing was trained, or there is no such trial.
        """
        if not self.candidates:
            raise ExploreError(f"study {self.name!r} has no trained trial yet")
        fitting = [c for c in self.candidates if not c.costs.obstacles] or list(self.candidates)
        if asked == "accuracy":
            return fitting[0]
        if asked == "fom":
            return min(fitting, key=self.merit)
        for candidate in self.candidates:
            if asked in {str(result.number) for result in candidate.results}:
                return candidate
        raise ExploreError(
            f"--pick must be accuracy, fom or the number of a trained trial, not {asked!r}"
        )


def _result(trial: FrozenTrial) -> Result | None:
    own = trial.user_attrs
    values = trial.params or trial.system_attrs.get("fixed_params", {})
    if set(values) != set(AXES):  # killed while it was drawn
        return None
    known = {TrialState.RUNNING: "running", TrialState.WAITING: "waiting"}
    costs = own.get("costs")
    return Result(
        trial.number,
        Point(**values),
        known.get(trial.state, outcome(trial) or "failed"),
        str(own.get("reason", "")),
        None if costs is None else Costs.from_dict(costs),
        trial.values[0] if trial.state == TrialState.COMPLETE else None,
        own.get("test_accuracy"),
        own.get("seconds"),
    )


def varied(results: Sequence[Result]) -> tuple[str, ...]:
    """Return the axes beside k and n of which there are several values."""
    return tuple(
        name
        for name in AXES[2:]
        if len({getattr(result.point, name) for result in results}) > 1
    )
