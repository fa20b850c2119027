"""Everything that a worker needs to know of a study, and what must not change while it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golden.network import Network
from host.explore.costs import QUANTITIES
from host.explore.space import ExploreError, Point, Space, network_of
from host.reference.plan import ReferencePlan

SAMPLERS = ("grid", "tpe", "nsga2")
"""All points of lists; Optuna's TPESampler and NSGAIISampler."""

VERSION = 1
"""Of the settings' form."""


@dataclass(frozen=True)
class Job:
    """A study as one machine carries it out.

    Attributes
    ----------
    name : str
        Of the study.
    folder : Path
        Run folders, journal and report.
    storage : str, optional
        URL of Optuna's storage; None keeps a journal in the folder.
    data_options : dict
        What `host.datasets.load` takes.
    network : Network
        At width 1; its block length and classifier do not matter.
    plan : dict
        Fields of `ReferencePlan` that all points share.
    space : Space
        What is tried.
    sampler : str
        One of `SAMPLERS`.
    trials : int, optional
        Points that a sampler draws; None for a grid.
    cost : str
        Quantity that accuracy is set against.
    lanes : int, optional
        P of the board's core.
    require_fit : bool
        Points that do not fit the board are not trained.
    recordings : dict
        What tells one version of the recordings from another: numbers, shape, classes, T.
    device : str
        As `host.reference.training.device` takes it.
    threads : int, optional
        Of torch, per worker.
    """

    name: str
    folder: Path
    storage: str | None
    data_options: Mapping[str, Any]
    network: Network
    plan: Mapping[str, Any]
    space: Space
    sampler: str
    trials: int | None
    cost: str
    lanes: int | None
    require_fit: bool
    recordings: Mapping[str, Any]
    device: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name, known in (("sampler", SAMPLERS), ("cost", QUANTITIES)):
            if getattr(self, name) not in known:
                raise ExploreError(
                    f"--{name} must be one of {', '.join(known)}, not {getattr(self, name)!r}"
                )
        if self.sampler == "grid":
            if self.space.ranges:
                raise ExploreError(
                    f"a grid needs a list of values for --{self.space.ranges[0]}, not a range: "
                    "give --sampler tpe or nsga2 with --trials"
                )
            if self.trials is not None:
                raise ExploreError("--trials is for --sampler tpe and nsga2: a grid has its points")
        elif self.trials is None or self.trials < 1:
            raise ExploreError(
                f"--sampler {self.sampler} needs --trials of at least 1, not {self.trials}"
            )

    @property
    def total(self) -> int:
        """Number of points that the study is to have."""
        return len(self.space.points()) if self.trials is None else self.trials

    def plan_of(self, point: Point) -> ReferencePlan:
        """Return the plan of a point."""
        return ReferencePlan(point.k, rate=point.rate, seed=point.seed, **self.plan)

    def network_of(self, point: Point) -> Network:
        """Return the network of a point."""
        return network_of(self.network, point)

    @property
    def settings(self) -> dict[str, Any]:
        """Return what must be the same on all machines and whenever the study goes on."""
        network = self.network.to_dict()
        del network["block_length"], network["classifier"]
        shared = ReferencePlan(1, **self.plan).to_dict()
        for own in ("interval", "rate", "seed"):
            del shared[own]
        settings: dict[str, Any] = {
            "version": VERSION,
            "data": {name: x for name, x in self.data_options.items() if name != "data_dir"},
            "recordings": dict(self.recordings),
            "network": network,
            "plan": shared,
            "space": self.space.to_dict(),
            "sampler": self.sampler,
            "cost": self.cost,
            "lanes": self.lanes,
            "require_fit": self.require_fit,
        }
        plain: dict[str, Any] = json.loads(json.dumps(settings))
        return plain


