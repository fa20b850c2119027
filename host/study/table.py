"""Tables of a study: Markdown for people, CSV for everything else."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from host.study.grid import DATA_SETS
from host.study.records import Record, network_text

COLUMNS = (
    "data", "model", "classifier", "k", "n", "seed", "test_accuracy", "training_accuracy",
    "rate_shift", "error_fraction", "training_recordings", "test_recordings", "epochs", "seconds",
)  # fmt: skip
"""Of the CSV; accuracies are those of the last epoch, 0 to 1."""


class Kind(NamedTuple):
    """Runs that differ in their seed alone."""

    model: str
    k: int
    n: int
    classifier: str


class Cell(NamedTuple):
    """Accuracies of one kind.

    Attributes
    ----------
    seeds : tuple of int
        The seeds.
    accuracies : tuple of float
        Test accuracy of each after the last epoch, 0 to 1.
    """

    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the seeds, 0 to 1."""
        return float(np.mean(self.accuracies))

    def __str__(self) -> str:
        """Return for instance ``91.3 (90.7, 92.0)``, in %."""
        each = ", ".join(f"{100 * accuracy:.1f}" for accuracy in self.accuracies)
        return f"{100 * self.mean:.1f} ({each})"


def data_sets(records: Sequence[Record]) -> list[str]:
    """Return the data sets of the records in the order of the study."""
    there = {record["run"]["data"] for record in records}
    return [name for name in DATA_SETS if name in there]


def common(records: Sequence[Record], data: str) -> Record:
    """Return the settings that all runs on a data set share."""
    found: Record = next(r["common"] for r in records if r["run"]["data"] == data)
    return found


def cells(records: Sequence[Record], data: str) -> dict[Kind, Cell]:
    """Return the accuracies on a data set by kind of run."""
    found: dict[Kind, list[tuple[int, float]]] = {}
    for record in records:
        run = record["run"]
        if run["data"] == data:
            kind = Kind(run["model"], run["k"], run["n"], run["classifier"])
            found.setdefault(kind, []).append((run["seed"], record["result"]["test"][-1]))
    return {kind: Cell(*zip(*sorted(values), strict=True)) for kind, values in found.items()}


def standard_error(accuracy: float, tested: int) -> float:
    """Return the standard error of an accuracy that the number of tested recordings leaves."""
    return math.sqrt(accuracy * (1 - accuracy) / tested)


def to_csv(records: Sequence[Record]) -> str:
    """Return a line per run."""

    def place(record: Record) -> tuple[int, bool, bool, int, int, int]:
        run = record["run"]
        kind = (run["classifier"] != "trainable", run["model"] != "golden")
        return (DATA_SETS.index(run["data"]), *kind, -run["k"], -run["n"], run["seed"])

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in sorted(records, key=place):
        shared, own, result = record["common"], record["own"], record["result"]
        writer.writerow([
            *(record["run"][name] for name in COLUMNS[:6]),
            round(result["test"][-1], 6), round(result["training"][-1], 6),
            own["rate_shift"], own["error_fraction"], shared["training recordings"],
            shared["test recordings"], shared["epochs"], result["seconds"],
        ])  # fmt: skip
    return text.getvalue()


def to_markdown(records: Sequence[Record]) -> str:
    """Return the tables of all data sets."""
    return "\n".join(_of_data_set(records, data) for data in data_sets(records))


def _of_data_set(records: Sequence[Record], data: str) -> str:
    shared, found = common(records, data), cells(records, data)
    lines = [
        f"### {data}",
        "",
        _amounts(shared),
        "",
        "Test accuracy in % of the integer model: mean and, in brackets, each seed.",
        "",
        *_over_k_and_n(found, shared["steps"]),
        "",
        *_beside(found, "float", "Integer model beside its float twin:", "float twin"),
        *_beside(
            found,
            "to-zero",
            "Decay of V by the floor, and to 0 (`Settings.decay_to_zero`):",
            "decay to 0",
        ),
    ]
    trained = [cell.mean for kind, cell in found.items() if kind.classifier == "trainable"]
    middle = float(np.median(trained or [cell.mean for cell in found.values()]))
    tested = shared["test recordings"]
    error = standard_error(middle, tested)
    lines += [
        f"Standard error that {tested:,} tested recordings leave at {100 * middle:.0f} %: "
        f"{100 * error:.1f} points. All runs are tested on the same recordings, so that "
        "differences between them vary less.",
        "",
    ]
    return "\n".join(lines)


def _amounts(shared: Record) -> str:
    held_out = shared["held out"]
    apart = f" ({held_out:,} of them kept out of the training recordings)" if held_out else ""
    halved = shared["halve_every"]
    return (
        f"{network_text(shared['network'])}. T = {shared['steps']} frames of "
        f"{shared['window_us'] / 1000:g} ms, {shared['training recordings']:,} training "
        f"recordings, {shared['test recordings']:,} tested{apart}; epochs: {shared['epochs']}"
        + (f", rate halved every {halved}." if halved else ".")
    )


def _over_k_and_n(found: dict[Kind, Cell], steps: int) -> list[str]:
    ks = sorted({kind.k for kind in found}, reverse=True)
    ns = sorted({kind.n for kind in found}, reverse=True)
    columns = [(n, "trainable") for n in ns] + [(1, "random")]
    rows = [
        [f"k = {k}" + (" = T" if k == steps else "")]
        + [str(found.get(Kind("golden", k, *column), "–")) for column in columns]
        for k in ks
    ]
    head = ["", *(f"n = {n}" for n in ns), "n = 1, random classifiers"]
    return _markdown(head, rows)


def _beside(found: dict[Kind, Cell], model: str, text: str, name: str) -> list[str]:
    pairs = [
        (kind, kind._replace(model=model))
        for kind in sorted(found, key=lambda kind: (kind.classifier != "trainable", -kind.n))
        if kind.model == "golden" and kind._replace(model=model) in found
    ]
    if not pairs:
        return []
    rows = []
    for kind, twin in pairs:
        random = ", random classifiers" if kind.classifier == "random" else ""
        difference = 100 * (found[kind].mean - found[twin].mean)
        rows.append([
            f"k = {kind.k}, n = {kind.n}{random}", str(found[kind]), str(found[twin]),
            f"{difference:+.1f}",
        ])  # fmt: skip
    head = ["", "integer model", name, "difference of means"]
    return [text, "", *_markdown(head, rows), ""]


def _markdown(head: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
