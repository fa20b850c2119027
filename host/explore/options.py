"""Options of ``python -m host.explore run`` and what they make of a study."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from golden.cost.accelerator import NotOnAcceleratorError, core_for
from golden.network import Network
from host import presets
from host.datasets import DataSet
from host.explore.costs import ACCELERATOR, QUANTITIES
from host.explore.job import SAMPLERS, Job
from host.explore.space import AXES, PARSERS, ExploreError, Space
from host.reference.options import (
    DATA_OPTIONS,
    DEVICE_OPTIONS,
    LEARNING_OPTIONS,
    add_group,
    open_data,
    plan_options,
)
from host.reference.plan import ReferencePlan

HELD_OUT = 0.1
"""Share of the training recordings that points are compared on where nothing is asked for."""

SPACE_OPTIONS: dict[str, dict[str, Any]] = {
    "k": {"metavar": "K,K,…", "help": "truncation intervals, 1 to T (default: T)"},
    "n": {"metavar": "N,N,…", "help": "block lengths (default: that of the network)"},
    "classifier": {"metavar": "C,C", "help": "trainable, random (default: the network's)"},
    "rate": {"metavar": "R,R,…", "help": "learning rates, or a range LOW:HIGH (default: 0.001)"},
    "width": {
        "metavar": "W,W,…",
        "help": "factors of hidden channels and neurons, or a range LOW:HIGH (default: 1)",
    },
    "seed": {"metavar": "N,N,…", "help": "first weights, order, dropout (default: 1)"},
}
"""Axes: what may have several values."""

STUDY_OPTIONS: dict[str, dict[str, Any]] = {
    "study": {"metavar": "NAME", "required": True, "help": "name; the same name goes on with it"},
    "folder": {"metavar": "DIR", "type": Path, "help": "default: runs/explore-NAME"},
    "storage": {
        "metavar": "URL",
        "help": "of Optuna, such as sqlite:///all.db or postgresql://… (default: a journal in the "
        "folder)",
    },
    "workers": {
        "metavar": "N", "type": int, "default": 1,
        "help": "processes of this machine, of one thread each if several (default: 1)",
    },
    "sampler": {"choices": SAMPLERS, "default": "grid", "help": "default: grid"},
    "trials": {"metavar": "N", "type": int, "help": "points that tpe or nsga2 draws in all"},
    "cost": {
        "choices": tuple(QUANTITIES),
        "help": "what accuracy is set against (default: cycles, or memory_access where the "
        "accelerator cannot run the network)",
    },
    "lanes": {"metavar": "P", "type": int, "help": "P of the board's core (default: 16)"},
    "require-fit": {"action": "store_true", "help": "do not train what does not fit the board"},
    "retry-running": {
        "action": "store_true",
        "help": "take over trials that are marked as running: when no other worker runs",
    },
}  # fmt: skip
"""Of the study."""


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of a study."""
    validation = {
        **DATA_OPTIONS["validation"],
        "help": "training recordings that points are compared on; 0 takes the test split "
        f"(default: {HELD_OUT:.0%})".replace("%", "%%"),
    }
    add_group(made, "data", {**DATA_OPTIONS, "validation": validation})
    axes = {name: {**option, "type": PARSERS[name]} for name, option in SPACE_OPTIONS.items()}
    add_group(made, "points", axes)
    fixed = {name: option for name, option in LEARNING_OPTIONS.items() if name not in AXES}
    add_group(made, "network and learning, the same for all points", fixed)
    add_group(made, "study", STUDY_OPTIONS)
    add_group(made, "machine", DEVICE_OPTIONS)


def resolve(options: argparse.Namespace) -> tuple[Job, DataSet]:
    """Make a job of options, and open its data set.

    Raises
    ------
    ValueError, TypeError
        An option, the data set, the network or a point is wrong; nothing was written.
    """
    if not re.fullmatch(r"[\w.-]+", options.study):
        raise ExploreError(
            f"--study must be letters, digits, '.', '_' and '-', not {options.study!r}"
        )
    data, data_options, network = open_data(options)
    space = _space(options, network, data.steps)
    space.check(network, data.steps)
    plan = {name: x for name, x in plan_options(options).items() if name not in AXES}
    plan.setdefault("validation", round(HELD_OUT * len(data.train)))
    if plan["validation"] >= len(data.train):
        raise ExploreError(
            f"--validation must be below the {len(data.train)} training recordings, "
            f"not {plan['validation']}"
        )
    job = Job(
        name=options.study,
        folder=options.folder or Path("runs") / f"explore-{options.study}",
        storage=options.storage,
        data_options=data_options,
        network=network,
        plan=plan,
        space=space,
        sampler=options.sampler,
        trials=options.trials,
        cost=_cost(options.cost, network, space),
        lanes=options.lanes,
        require_fit=options.require_fit,
        recordings={
            "train": len(data.train), "test": len(data.test), "steps": data.steps,
            "shape": list(data.shape), "classes": data.classes,
        },
        device=options.device or "auto",
        threads=options.threads,
    )  # fmt: skip
    presets.core_config(options.lanes)
    for seed in space.seed:
        ReferencePlan(1, seed=seed, **plan)
    return job, data


def _space(options: argparse.Namespace, network: Network, steps: int) -> Space:
    given = {name: getattr(options, name) for name in AXES}
    given = {name: axis for name, axis in given.items() if axis is not None}
    if "n" not in given and not isinstance(network.block_length, int):
        raise ExploreError(
            f"network {network.name!r} has blocks of {network.block_length} layers: give --n"
        )
    own = {"k": (steps,), "n": (network.block_length,), "classifier": (network.classifier,)}
    return Space(**{**own, **given})


def _cost(asked: str | None, network: Network, space: Space) -> str:
    """Return the quantity asked for, or the default; refuse one that a point does not have."""
    try:
        core_for(network, max(space.k), 16)
    except NotOnAcceleratorError as error:
        if asked in ACCELERATOR:
            raise ExploreError(f"--cost {asked} cannot be had: {error}") from error
        return asked or "memory_access"
    return asked or "cycles"
