"""The folder of a training run: what was asked for, metrics, weights, pictures."""

from __future__ import annotations

import importlib.metadata
import json
import platform
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from host import checkpoint
from host.checkpoint import Checkpoint, write_whole

Record = dict[str, Any]
"""One line of metrics."""


F = TypeVar("F", bound="RunFolder")


class RunFolderError(ValueError):
    """A run folder is in the way, missing or damaged; the message names it."""


class RunFolder:
    """Names of a run folder's files, and how they are written.

    A file is replaced in one step; metrics are appended line by line. The checkpoint says how many
    lines belong to it, so that a run that broke off can go on from it.

    Parameters
    ----------
    path : Path
        The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.weights = path / "weights.npz"
        self.curve = path / "learning_curve.png"
        self.raster = path / "spike_raster.png"
        self.confusion = path / "confusion.png"

    @classmethod
    def create(cls: type[F], path: Path | None, stem: str) -> F:
        """Make a folder that did not exist.

        Parameters
        ----------
        path : Path, optional
            The folder; ``runs/<stem>-<number>`` with the next free number if None.
        stem : str
            Start of the name.

        Raises
        ------
        RunFolderError
            The folder exists or cannot be made.
        """
        try:
            if path is not None:
                path.mkdir(parents=True)
                return cls(path)
            for number in count(1):
                numbered = Path("runs") / f"{stem}-{number}"
                try:
                    numbered.mkdir(parents=True)
                    return cls(numbered)
                except FileExistsError:
                    if not numbered.parent.is_dir():
                        raise
            raise AssertionError("count() ends")
        except FileExistsError as error:
            raise RunFolderError(
                f"run folder {error.filename} exists already: choose another --run-dir, "
                "or go on with it by --resume"
            ) from error
        except OSError as error:
            raise RunFolderError(f"run folder {path or 'runs'} cannot be made: {error}") from error

    @classmethod
    def open(cls: type[F], path: Path) -> F:
        """Open the folder of a run that is to go on.

        Raises
        ------
        RunFolderError
            It is no run folder.
        """
        folder = cls(path)
        if not path.is_dir():
            raise RunFolderError(f"run folder {path} does not exist")
        for file in (folder.config, folder.weights):
            if not file.is_file():
                raise RunFolderError(f"{path} is no run folder: it has no {file.name}")
        return folder

    def write_config(self, config: dict[str, Any]) -> None:
        """Write what the run was asked to do, with the versions that do it."""
        versions = {
            "tlbptt": importlib.metadata.version("tlbptt"),
            "python": platform.python_version(),
            "numpy": np.__version__,
        }
        text = json.dumps({**config, "versions": versions}, indent=2) + "\n"
        write_whole(self.config, lambda file: file.write(text.encode()))

    def read_config(self) -> dict[str, Any]:
        """Return what `write_config` wrote.

        Raises
        ------
        RunFolderError
            The file is damaged.
        """
        try:
            config = json.loads(self.config.read_text(encoding="utf-8"))
            if not isinstance(config, dict):
                raise ValueError("it holds no JSON object")
        except (OSError, ValueError) as error:
            raise RunFolderError(f"{self.config} cannot be read: {error}") from error
        return config

    def append(self, record: Record) -> None:
        """Append a line to the metrics."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def records(self) -> list[Record]:
        """Return all metrics.

        Raises
        ------
        RunFolderError
            A line is no JSON.
        """
        if not self.metrics.exists():
            return []
        lines = self.metrics.read_text(encoding="utf-8").splitlines()
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(json.loads(line))
            except ValueError as error:
                raise RunFolderError(f"{self.metrics}, line {number}: {error}") from error
        return records

    def truncate(self, records: int) -> None:
        """Keep the first `records` lines of metrics, those that belong to the checkpoint.

        Raises
        ------
        RunFolderError
            There are fewer.
        """
        lines = (
            self.metrics.read_text(encoding="utf-8").splitlines(keepends=True)
            if self.metrics.exists()
            else []
        )
        if len(lines) < records:
            raise RunFolderError(
                f"{self.metrics} must have at least the {records} lines of the checkpoint, "
                f"not {len(lines)}"
            )
        text = "".join(lines[:records])
        write_whole(self.metrics, lambda file: file.write(text.encode()))

    def save(self, state: Checkpoint) -> None:
        """Write the checkpoint."""
        checkpoint.save(self.weights, state)

    def load(self) -> Checkpoint:
        """Read the checkpoint.

        Raises
        ------
        host.checkpoint.CheckpointError
            It is damaged.
        """
        return checkpoint.load(self.weights)
