"""Small random networks, settings and recordings, and the comparison with the scalar reference."""

import numpy as np

from golden.counters import Counters
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.neuron import Lif
from golden.settings import Settings
from golden.trainer import GoldenModel
from tests.golden.scalar_model import ScalarModel

NARROW = Formats(
    weight=9, weight_fraction=7, forward_shift=1, carry=9, state=24, gamma=10, delta=11,
    gradient=20,
)  # fmt: skip
"""Formats in which everything saturates now and then."""


def random_network(rng, n=None):
    """Return a network of one to three hidden layers on a small, often odd, map."""
    shape = (int(rng.integers(4, 8)), int(rng.integers(4, 8)), int(rng.integers(1, 4)))
    layers, height, width = [], *shape[:2]
    for _ in range(int(rng.integers(0, 3))):
        kernel = int(rng.integers(1, min(4, height, width) + 1))
        padding = int(rng.integers(0, kernel))
        stride = int(rng.choice([1, 1, 2]))
        layers.append(Conv(int(rng.integers(1, 6)), kernel, padding, stride))
        height = (height + 2 * padding - kernel) // stride + 1
        width = (width + 2 * padding - kernel) // stride + 1
        if min(height, width) >= 2 and rng.random() < 0.6:
            layers.append(AvgPool(2))
            height, width = height // 2, width // 2
    if not layers or rng.random() < 0.5:
        layers.append(Dense(int(rng.integers(1, 20))))
    hidden = sum(not isinstance(layer, AvgPool) for layer in layers)
    lif = Lif(
        tau=float(rng.choice([0.5, 0.8, 1.0])), theta=float(rng.choice([0.3, 0.45])),
        u_th=0.3, a=float(rng.choice([0.3, 0.6])),
    )  # fmt: skip
    length = int(rng.integers(1, hidden + 1)) if n is None else min(n, hidden)
    encoding = str(rng.choice(["events", "events", "direct"]))
    classes = int(rng.integers(2, 6))
    return Network(shape, tuple(layers), classes, length, lif, encoding=encoding)


def random_settings(rng, network, steps, k=None):
    shifts = tuple(int(v) for v in rng.integers(0, 4, len(network.weighted)))
    return Settings(
        interval=int(rng.integers(1, steps + 1)) if k is None else k,
        error_fraction=int(rng.integers(6, 14)),
        rate_shift=int(rng.integers(-2, 3)),
        layer_shifts=shifts if rng.random() < 0.5 else shifts[:1],
        momentum_shift=int(rng.integers(0, 4)),
        seed=int(rng.integers(0, 2**32)),
        dropout=float(rng.choice([0, 0, 0.1, 0.5])),
        loss=str(rng.choice(["mse", "mse", "cross-entropy"])),
        temperature_shift=int(rng.integers(0, 4)),
        decay_to_zero=bool(rng.integers(2)),
    )


def random_weights(rng, network, formats, gain=1.5):
    return [
        formats.weight_format.quantize(
            rng.normal(0.05, gain / np.sqrt(layer.rows), layer.weight_shape)
        )
        for layer in network.weighted
    ]


def random_frames(rng, network, steps, density=0.3):
    if network.encoding == "direct":
        image = rng.integers(0, 256, network.input_shape) * (rng.random(network.input_shape) < 0.8)
        return np.broadcast_to(image.astype(np.uint8), (steps, *network.input_shape))
    return (rng.random((steps, *network.input_shape)) < density).astype(np.uint8)


def difference(golden, scalar, counters=None):
    """Return the name of the first state that differs, with where and what; "" if none does."""
    for name, ours, theirs in (
        ("W", golden.weights, scalar.w),
        ("V", golden.momentum, scalar.v),
        ("carry", golden.carry, [list(carry.values()) for carry in scalar.carry]),
    ):
        for number, (got, expected) in enumerate(zip(ours, theirs, strict=True)):
            wanted = np.array(expected).reshape(got.shape)
            if not np.array_equal(got, wanted):
                where = tuple(int(i) for i in np.argwhere(got != wanted)[0])
                return f"{name} {number} at {where}: got {got[where]}, expected {wanted[where]}"
    if golden.trained_intervals != scalar.trained:
        return "number of trained intervals"
    if counters is not None and counters.saturations != dict(scalar.saturated):
        return f"saturations: got {counters.saturations}, expected {dict(scalar.saturated)}"
    return ""


def compare(network, formats, settings, weights, recordings, lanes=4, pack_max=0):
    """Train golden and scalar reference on recordings; return the first difference, or ""."""
    golden = GoldenModel(network, formats, settings, weights)
    scalar = ScalarModel(network, formats, settings, weights, lanes, pack_max)
    counters = Counters(lanes, pack_max)
    for label, frames in recordings:
        got = golden.train_sample(frames, label, halvings=label % 2, counters=counters)
        wanted = np.zeros(network.classes, np.int64)
        k = settings.interval
        for first in range(0, len(frames), k):
            wanted += scalar.run_interval(
                frames[first : first + k], label, first == 0, True, halvings=label % 2
            )
        if not np.array_equal(got, wanted):
            return f"counts: got {got}, expected {wanted}"
        found = difference(golden, scalar, counters)
        if found:
            return found
    for name in ("operations", "useful"):
        ours = {key: value for key, value in getattr(counters, name).items() if value}
        theirs = {key: value for key, value in getattr(scalar, name).items() if value}
        if ours != theirs:
            return f"{name}: got {ours}, expected {theirs}"
    return ""
