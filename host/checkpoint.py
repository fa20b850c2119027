"""Weights, momentum and progress of a run in one file, written as a whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from golden.formats import Formats
from golden.network import Network
from golden.qformat import Int
from golden.settings import Settings

VERSION = 1
"""Of the file's layout."""


class CheckpointError(ValueError):
    """A file holds no checkpoint, or a damaged one; the message names file and entry."""


@dataclass
class Progress:
    """How far a run has come; with weights and momentum, all that is needed to go on.

    Attributes
    ----------
    epoch : int
        Epochs that are complete, evaluation included.
    position : int
        Recordings trained in the epoch under way.
    right : int
        Those of them that were classified correctly.
    samples : int
        Recordings trained in the run.
    trained_intervals : int
        Intervals trained in the run: keys the random bits of stochastic rounding and dropout.
    update_every : int
        Intervals per change of the weights; `trained_intervals` modulo this is what V has gathered
        since the last one.
    recent, recent_right : int
        Recordings trained, and correct, since the last line of metrics.
    records : int
        Lines of metrics that belong to this state.
    seconds : float
        Time that the run has taken [s].
    totals : dict
        Cycles, saturations and bytes of the link.
    """

    epoch: int = 0
    position: int = 0
    right: int = 0
    samples: int = 0
    trained_intervals: int = 0
    update_every: int = 1
    recent: int = 0
    recent_right: int = 0
    records: int = 0
    seconds: float = 0.0
    totals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network with its weights.

    Attributes
    ----------
    weights, momentum : list of Int
        W (fraction f_w) and V (fraction f_e), shape `Layer.weight_shape`, order of `hash_id`.
    """

    network: Network
    formats: Formats
    settings: Settings
    weights: list[Int]
    momentum: list[Int]
    progress: Progress = field(default_factory=Progress)


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Let `write` fill a new file and give it the name `path` only when it is complete."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def save(path: Path | str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; a file of that name is replaced in one step.

    The npz file holds ``weights/<layer>`` and ``momentum/<layer>``, and ``description``: JSON with
    network, formats, settings and progress.
    """
    description = {
        "version": VERSION,
        "network": checkpoint.network.to_dict(),
        "formats": asdict(checkpoint.formats),
        "settings": asdict(checkpoint.settings),
        "progress": asdict(checkpoint.progress),
    }
    arrays: dict[str, Any] = {"description": np.array(json.dumps(description))}
    for layer in checkpoint.network.weighted:
        arrays[f"weights/{layer.name}"] = checkpoint.weights[layer.hash_id].astype(np.int32)
        arrays[f"momentum/{layer.name}"] = checkpoint.momentum[layer.hash_id].astype(np.int32)
    write_whole(Path(path), lambda file: np.savez_compressed(file, **arrays))


def load(path: Path | str) -> Checkpoint:
    """Read what `save` wrote.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, or does not agree with itself.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise CheckpointError(f"weights file {path} cannot be read: {error}") from error
    try:
        description = json.loads(str(arrays["description"]))
        if description["version"] != VERSION:
            raise ValueError(f"version must be {VERSION}, not {description['version']!r}")
        network = Network.from_dict(description["network"])
        formats = Formats(**description["formats"])
        settings = Settings(**description["settings"])
        progress = Progress(**description["progress"])
        settings.check(network, formats)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"weights file {path}: description: {error}") from error
    widths = {"weights": formats.weight, "momentum": formats.gradient}
    values = {
        kind: [
            _array(path, arrays, f"{kind}/{layer.name}", layer.weight_shape, width)
            for layer in network.weighted
        ]
        for kind, width in widths.items()
    }
    return Checkpoint(network, formats, settings, values["weights"], values["momentum"], progress)


def _array(
    path: Path, arrays: dict[str, Any], name: str, shape: tuple[int, int], width: int
) -> Int:
    if name not in arrays:
        raise CheckpointError(f"weights file {path}: {name} is missing")
    array = arrays[name]
    if array.shape != shape or not np.issubdtype(array.dtype, np.integer):
        raise CheckpointError(
            f"weights file {path}: {name} must hold integers of shape {shape}, "
            f"not {array.dtype} of shape {array.shape}"
        )
    values: Int = array.astype(np.int64)
    limit = 1 << (width - 1)
    if values.min() < -limit or values.max() >= limit:
        raise CheckpointError(
            f"weights file {path}: {name} must lie within {width} bits, "
            f"not {values.min()} to {values.max()}"
        )
    return values
