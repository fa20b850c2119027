"""Options of ``python -m host.reference train`` and what they make of a run."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from golden.loss import LOSSES
from golden.network import CLASSIFIERS, Network
from host import datasets, presets
from host.reference.folder import ReferenceFolder
from host.reference.plan import OPTIMIZERS, ReferencePlan
from host.run_folder import RunFolderError

RESUME_OPTIONS = {"resume", "epochs", "data_dir", "device", "threads", "workers"}
"""Options that a run which goes on may be given anew."""

PLAN_OPTIONS = tuple(field.name for field in fields(ReferencePlan) if field.name != "interval")


DATA_OPTIONS: dict[str, dict[str, Any]] = {
    "dataset": {"metavar": "NAME", "help": f"{', '.join(datasets.SOURCES)} (default: digits)"},
    "data-dir": {"metavar": "DIR", "help": "folder of recordings (default: $TLBPTT_DATA)"},
    "train-limit": {"metavar": "N", "type": int, "help": "training recordings (default: all)"},
    "test-limit": {"metavar": "N", "type": int, "help": "test recordings (default: all)"},
    "steps": {"metavar": "T", "type": int, "help": "frames of a recording"},
    "window-ms": {"metavar": "MS", "type": float, "help": "time of a frame [ms]"},
    "size": {"metavar": "PIXELS", "type": int, "help": "edge of a frame"},
    "downsample": {
        "metavar": "N", "type": int, "help": "sensor pixels per frame pixel along an edge",
    },
    "data-seed": {
        "metavar": "N", "type": int, "help": "choice of subsets, generated data (default: 0)",
    },
    "validation": {
        "metavar": "N", "type": int, "help": "training recordings to test on instead (default: 0)",
    },
}  # fmt: skip
"""What says which recordings there are, as `argparse` takes it."""

LEARNING_OPTIONS: dict[str, dict[str, Any]] = {
    "network": {"metavar": "NET", "help": f"{', '.join(presets.names())} or a JSON file"},
    "k": {"metavar": "K", "type": int, "help": "truncation interval, 1 to T (default: T)"},
    "n": {"metavar": "N", "type": int, "help": "block length (default: that of the network)"},
    "classifier": {"choices": CLASSIFIERS, "help": "kind of local classifiers"},
    "epochs": {
        "metavar": "N", "type": int, "help": "passes over the recordings (default: 10)",
    },
    "batch": {
        "metavar": "B", "type": int, "help": "recordings per change of the weights (default: 64)",
    },
    "optimizer": {"choices": OPTIMIZERS, "help": "default: adam"},
    "rate": {"metavar": "R", "type": float, "help": "learning rate (default: 0.001)"},
    "momentum": {"metavar": "MU", "type": float, "help": "of sgd (default: 0.9)"},
    "halve-every": {
        "metavar": "N", "type": int, "help": "epochs between halvings of the rate, 0 never",
    },
    "update-every": {
        "metavar": "M", "type": int, "help": "intervals per change of the weights",
    },
    "dropout": {
        "metavar": "P", "type": float, "help": "share of neurons dropped while training",
    },
    "loss": {"choices": LOSSES, "help": "default: mse"},
    "temperature-shift": {
        "metavar": "N", "type": int, "help": "of cross-entropy (default: 0)",
    },
    "seed": {
        "metavar": "N", "type": int, "help": "first weights, order, dropout (default: 1)",
    },
}  # fmt: skip
"""What says how a network learns."""

DEVICE_OPTIONS: dict[str, dict[str, Any]] = {
    "device": {"metavar": "D", "help": "cpu, cuda, cuda:1, … (default: a GPU if there is one)"},
    "threads": {"metavar": "N", "type": int, "help": "threads of torch on the CPU"},
}
"""What says on what it learns."""

RUN_OPTIONS: dict[str, dict[str, Any]] = {
    "workers": {"metavar": "N", "type": int, "help": "processes that read ahead (default: 0)"},
    "run-dir": {"metavar": "DIR", "help": "a new folder for the run (default: runs/NAME-NUMBER)"},
    "resume": {"metavar": "DIR", "help": "go on with the run of this folder"},
}
"""Of a single run."""


def add_group(made: argparse.ArgumentParser, title: str, group: dict[str, dict[str, Any]]) -> None:
    """Add a group of options, such as `DATA_OPTIONS`; every one is None unless it was given."""
    add = made.add_argument_group(title).add_argument
    for name, option in group.items():
        add(f"--{name}", **option)


def add_options(made: argparse.ArgumentParser) -> None:
    """Add the options of a run; every option is None unless it was given."""
    add_group(made, "data", DATA_OPTIONS)
    add_group(made, "network and learning", LEARNING_OPTIONS)
    add_group(made, "machine and run folder", {**DEVICE_OPTIONS, **RUN_OPTIONS})


@dataclass(frozen=True)
class ReferenceRun:
    """A run, all options resolved.

    Attributes
    ----------
    folder : ReferenceFolder, optional
        Of a run that goes on.
    """

    data: datasets.DataSet
    data_options: dict[str, Any]
    network: Network
    plan: ReferencePlan
    folder: ReferenceFolder | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for ``config.json``."""
        return {
            "model": "reference",
            "data": self.data_options,
            "network": self.network.to_dict(),
            "plan": self.plan.to_dict(),
        }


def resolve(options: argparse.Namespace) -> ReferenceRun:
    """Make a run of options and, if it goes on, of its folder.

    Raises
    ------
    ValueError, TypeError
        An option, the data set or the network is wrong; nothing was written.
    """
    return _again(options) if options.resume is not None else _new(options)


def _folder_name(data_dir: str | None) -> str | None:
    return data_dir and str(Path(data_dir).expanduser().absolute())


def open_data(options: argparse.Namespace) -> tuple[datasets.DataSet, dict[str, Any], Network]:
    """Return data set, what `host.datasets.load` took, and the network asked for.

    Raises
    ------
    ValueError, TypeError
        An option, the data set or the network is wrong.
    """
    name = options.dataset or "digits"
    datasets.source(name)
    window_ms = options.window_ms
    given = {
        "name": name,
        "data_dir": _folder_name(options.data_dir),
        "windows": options.steps,
        "window_us": None if window_ms is None else round(1000 * window_ms),
        "size": options.size,
        "downsample": options.downsample,
        "seed": options.data_seed or 0,
        "train_limit": options.train_limit,
        "test_limit": options.test_limit,
    }
    network_name = presets.network_name(name, options.network)
    data = datasets.load(**given)
    network = presets.network(network_name, data.shape, data.classes, data.encoding)
    return data, given, network


def plan_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the fields of `ReferencePlan` but k that were given."""
    given = {field: getattr(options, field) for field in PLAN_OPTIONS}
    return {field: value for field, value in given.items() if value is not None}


def _new(options: argparse.Namespace) -> ReferenceRun:
    data, data_options, network = open_data(options)
    own = {"block_length": options.n, "classifier": options.classifier}
    network = replace(network, **{field: x for field, x in own.items() if x is not None})
    plan = ReferencePlan(data.steps if options.k is None else options.k, **plan_options(options))
    return ReferenceRun(data, data_options, network, plan)


def _again(options: argparse.Namespace) -> ReferenceRun:
    known = {name.replace("-", "_") for name in (*DATA_OPTIONS, *LEARNING_OPTIONS, "run-dir")}
    wrong = [
        "--" + name.replace("_", "-")
        for name, value in vars(options).items()
        if value is not None and name in known - RESUME_OPTIONS
    ]
    if wrong:
        raise ValueError(
            f"--resume goes on with the run as it was begun: leave out {', '.join(sorted(wrong))}"
        )
    opened = ReferenceFolder.open(Path(options.resume))
    config = opened.read_config()
    try:
        data_options = dict(config["data"])
        network = Network.from_dict(config["network"])
        plan = ReferencePlan(**config["plan"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{opened.config} is damaged: {error!r}") from error
    if options.data_dir is not None:
        data_options["data_dir"] = _folder_name(options.data_dir)
    if options.epochs is not None:
        plan = replace(plan, epochs=options.epochs)
    return ReferenceRun(datasets.load(**data_options), data_options, network, plan, opened)
