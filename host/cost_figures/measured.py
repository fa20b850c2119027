"""Measured accuracy and memory of the paper's workloads, read from a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from golden.cost.workloads import WORKLOADS
from golden.network import CLASSIFIERS

REQUIRED = ("network", "data", "k", "n", "classifier")
"""Columns that every line fills."""

COLUMNS = (*REQUIRED, "accuracy", "saved_bytes")
"""Columns that are read; others may be there and are not. The last two may be empty or missing."""


class MeasuredError(ValueError):
    """The file of measurements is damaged; the message names file and line."""


class Cell(NamedTuple):
    """What was measured."""

    data: str
    k: int
    n: int
    classifier: str


@dataclass(frozen=True)
class Measured:
    """Measurements by cell; several lines of one cell (seeds) are averaged.

    Attributes
    ----------
    accuracy : mapping
        Test accuracy, 0 to 1.
    saved_bytes : mapping
        Memory that training holds for its backward pass [bytes].
    """

    accuracy: Mapping[Cell, float]
    saved_bytes: Mapping[Cell, float]


def read(path: Path | str) -> Measured:
    """Read a CSV file with a header of `COLUMNS` in any order.

    Raises
    ------
    OSError
        The file cannot be read.
    MeasuredError
        A column is missing or a value is wrong.
    """
    accuracy: dict[Cell, list[float]] = {}
    saved: dict[Cell, list[float]] = {}
    with Path(path).open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = [name for name in REQUIRED if name not in (reader.fieldnames or ())]
        if missing:
            raise MeasuredError(f"{path}: no column {', '.join(missing)}; it needs {COLUMNS}")
        for line in reader:
            try:
                cell = _cell(line)
                for name, found, check in (
                    ("accuracy", accuracy, _share), ("saved_bytes", saved, _bytes),
                ):  # fmt: skip
                    text = (line.get(name) or "").strip()
                    if text:
                        found.setdefault(cell, []).append(check(name, text))
            except ValueError as error:
                raise MeasuredError(f"{path}, line {reader.line_num}: {error}") from error
    return Measured(_means(accuracy), _means(saved))


def _means(found: dict[Cell, list[float]]) -> dict[Cell, float]:
    return {cell: sum(values) / len(values) for cell, values in found.items()}


def _cell(line: Mapping[str, str | None]) -> Cell:
    text = {name: (line[name] or "").strip() for name in REQUIRED}
    work = WORKLOADS.get(text["data"])
    if work is None:
        raise ValueError(f"data must be one of {', '.join(WORKLOADS)}, not {text['data']!r}")
    if text["network"] != work.network:
        raise ValueError(
            f"network of {work.data} must be {work.network!r}, not {text['network']!r}"
        )
    if text["classifier"] not in CLASSIFIERS:
        raise ValueError(f"classifier must be one of {CLASSIFIERS}, not {text['classifier']!r}")
    k = _number("k", text["k"], int, 1, work.steps)
    n = _number("n", text["n"], int, 1, work.ns[0])
    return Cell(work.data, int(k), int(n), text["classifier"])


def _share(name: str, text: str) -> float:
    return _number(name, text, float, 0, 1)


def _bytes(name: str, text: str) -> float:
    return _number(name, text, float, 1, 2**60)


def _number(name: str, text: str, kind: Callable[[str], float], low: float, high: float) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        whole = "a whole number" if kind is int else "a number"
        raise ValueError(f"{name} must be {whole} between {low} and {high}, not {text!r}")
    return value
