"""Training of a small random network beside the golden model: every result must be equal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.core_config import CoreConfig
from golden.direct import PLANES
from golden.formats import Formats
from golden.layout import DoesNotFitError, place
from golden.network import AvgPool, Conv, Dense, Network
from golden.qformat import Int
from golden.settings import Settings
from host import compiler
from host.board import Board
from host.selftest.checks import FAILED, OK, SKIPPED, Check
from host.side_by_side import MismatchError, SideBySide

PART = "training"

STEPS, INTERVAL = 7, 3
"""Of a recording: intervals of 3, 3 and 1 steps."""

RECORDINGS = 2

CANDIDATES = (
    Network((6, 7, 2), (Conv(3, 3, 1), AvgPool(2), Dense(18)), 3),
    Network((4, 4, 1), (Conv(2, 3), AvgPool(2)), 2),
    Network((3, 4, 1), (Dense(3),), 2),
)
"""Networks from large to small; the first that fits is trained."""

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "events, mse": ("events", {}),
    "events, dropout, cross-entropy": ("events", {"dropout": 0.25, "loss": "cross-entropy"}),
    "images": ("direct", {}),
}
"""Encoding and settings of what is trained: between them every memory is used."""


@dataclass(frozen=True)
class Recording:
    """Frames (T, H, W, C) and a class."""

    frames: NDArray[Any]
    label: int


def fitting(config: CoreConfig, encoding: str, settings: Settings) -> Network | None:
    """Return the largest of `CANDIDATES` that a board holds, None if it holds none."""
    for candidate in CANDIDATES:
        network = replace(candidate, encoding=encoding)
        try:
            layout = place(network, config, settings.interval)
            layout.check()
            settings.check(network, config.formats)
            compiler.program(layout, settings)
        except DoesNotFitError:
            continue
        return network
    return None


def random_weights(network: Network, formats: Formats, generator: np.random.Generator) -> list[Int]:
    """Return normal weights with a variance of 1 over the inputs of a neuron."""
    low, high = -(1 << (formats.weight - 1)), (1 << (formats.weight - 1)) - 1
    return [
        np.clip(
            generator.normal(0, 2.0**formats.weight_fraction / layer.rows**0.5, layer.weight_shape),
            low, high,
        ).astype(np.int64)
        for layer in network.weighted
    ]  # fmt: skip


def recordings(network: Network, generator: np.random.Generator) -> list[Recording]:
    """Return random recordings, images that stand still where the encoding is direct."""
    shape = network.input_shape
    samples = []
    for number in range(RECORDINGS):
        if network.encoding == "direct":
            image = generator.integers(0, 1 << PLANES, shape)
            frames = np.broadcast_to(image, (STEPS, *shape)).astype(np.uint8)
        else:
            frames = (generator.random((STEPS, *shape)) < 0.3).astype(np.uint8)
        samples.append(Recording(frames, number % network.classes))
    return samples


def check(board: Board, seed: int = 1) -> Iterator[Check]:
    """Yield a check per case."""
    for name, (encoding, options) in CASES.items():
        settings = Settings(
            interval=INTERVAL, error_fraction=15, rate_shift=-1, momentum_shift=2, seed=seed,
            **options,
        )  # fmt: skip
        network = fitting(board.config, encoding, settings)
        if network is None:
            yield Check(PART, name, SKIPPED, "the board's memories hold no such network")
            continue
        generator = np.random.default_rng(seed)
        weights = random_weights(network, board.config.formats, generator)
        board.load(network, settings, weights)
        both = SideBySide(board)
        try:
            for sample in recordings(network, generator):
                both.train(sample)
                both.compare_state()
        except MismatchError as error:
            yield Check(PART, name, FAILED, str(error))
            continue
        moved = sum(int((a != b).sum()) for a, b in zip(board.read_weights(), weights, strict=True))
        text = (
            f"{board.trained_intervals} intervals, {moved} of {network.weights} weights changed: "
            "counts, weights, momentum, potentials equal the golden model's"
        )
        figures = {"intervals": board.trained_intervals, "weights_changed": moved}
        yield Check(PART, name, OK if moved else FAILED, text, figures)
