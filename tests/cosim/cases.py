"""Generated networks, settings and recordings that fit a configuration."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import wraps
from unittest.mock import patch

import hypothesis
import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Lif, Network
from golden.random_weights import LARGEST, RMS, SCALE_BITS, pattern
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import compiler

MOST_WORK = 400_000
"""Synapses of a network times the steps of its longest interval: bounds the time of an example."""


@dataclass(frozen=True)
class Run:
    """One interval.

    Attributes
    ----------
    steps, label : int
    density : float
        Fraction of input spikes.
    start, learn, update : bool
    halvings : int
        Of the learning rate, in all.
    """

    steps: int
    label: int
    density: float
    start: bool
    learn: bool
    update: bool
    halvings: int


@dataclass(frozen=True)
class Case:
    """A network and what it is trained on.

    Attributes
    ----------
    gain : float
        Spread of the weights, see `weights`.
    seed : int
        Of weights and frames.
    full_momentum : bool
        V starts anywhere in its range, so that it soon wraps; otherwise at 0.
    samples : tuple of tuple of Run
        Intervals; states are compared after each inner tuple.
    """

    network: Network
    settings: Settings
    gain: float
    seed: int
    full_momentum: bool
    samples: tuple[tuple[Run, ...], ...]

    def weights(self, formats):
        """Codes of random weights that keep potentials around the threshold.

        With a quarter of the inputs active, a neuron's input per step has mean and deviation
        u_th/2 and `gain` u_th; the mean of a random classifier is 0.
        """
        rng, active = np.random.default_rng(self.seed), 0.25
        codes, limit = [], formats.weight_format
        for layer in self.network.weighted:
            mean = 0.5 * layer.lif.u_th / (active * layer.rows)
            deviation = self.gain * layer.lif.u_th / np.sqrt(active * layer.rows)
            if layer.random:
                most = min(limit.maximum // LARGEST, 2**SCALE_BITS - 1)
                scale = min(most, round(deviation / RMS / limit.lsb))
                codes.append(pattern(self.settings.seed, layer) * scale)
            else:
                codes.append(limit.quantize(rng.normal(mean, deviation, layer.weight_shape)))
        return codes

    def momentum(self, formats):
        """V to start from; random classifiers have none."""
        rng, limit = np.random.default_rng([self.seed, 2]), 1 << (formats.gradient - 1)
        return [
            rng.integers(-limit, limit, layer.weight_shape)
            * self.full_momentum
            * (not layer.random)
            for layer in self.network.weighted
        ]

    def frames(self):
        """Yield the frames of each interval, sample by sample."""
        rng = np.random.default_rng([self.seed, 1])
        for sample in self.samples:
            if self.network.encoding == "direct":
                shape = self.network.input_shape
                image = rng.integers(0, 256, shape) * (rng.random(shape) < sample[0].density)
                image = image.astype(np.uint8)
                yield [np.broadcast_to(image, (run.steps, *shape)) for run in sample]
                continue
            yield [
                (rng.random((run.steps, *self.network.input_shape)) < run.density).astype(np.uint8)
                for run in sample
            ]


@st.composite
def layers(draw, shape):
    """Draw hidden layers on a map of `shape`: convolutions with their pools, then dense layers."""
    specs, (height, width) = [], shape[:2]
    channels = st.one_of(st.integers(1, 6), st.integers(1, 21))
    convolutions = draw(st.integers(0, 3))
    for _ in range(convolutions):
        kernel = draw(st.one_of(st.integers(1, 5), st.integers(1, 8)))
        least = max(0, -(-(kernel - min(height, width)) // 2))
        if least > kernel - 1:
            kernel, least = 1, 0
        padding = draw(st.integers(least, kernel - 1))
        stride = draw(st.sampled_from((1, 1, 1, 2, 4)))
        specs.append(Conv(draw(channels), kernel, padding, stride))
        height, width = ((size + 2 * padding - kernel) // stride + 1 for size in (height, width))
        windows = [window for window in (2, 4) if window <= min(height, width)]
        if windows and draw(st.booleans()):
            specs.append(AvgPool(draw(st.sampled_from(windows))))
            height, width = height // specs[-1].window, width // specs[-1].window
    dense = draw(st.integers(0 if convolutions else 1, max(1, 4 - convolutions) - (not specs)))
    specs += [
        Dense(draw(st.one_of(st.integers(1, 25), st.integers(1, 90))))
        for _ in range(max(dense, not specs))
    ]
    return tuple(specs)


@st.composite
def networks(draw):
    sides = st.one_of(st.integers(4, 11), st.integers(4, 11), st.integers(1, 11))
    shape = (draw(sides), draw(sides), draw(st.integers(1, 6)))
    specs = draw(layers(shape))
    hidden = sum(not isinstance(spec, AvgPool) for spec in specs)
    u_th = draw(st.sampled_from((0.3, 0.3, 0.3, 1.0)))
    lif = Lif(
        tau=draw(st.sampled_from((0.8, 0.8, 0.0, 0.5, 0.95, 1.0))),
        theta=draw(st.sampled_from((0.3, 0.1, 0.7))),
        u_th=u_th,
        a=draw(st.sampled_from((2 * u_th, u_th, 0.3))),
    )
    length = draw(st.integers(1, hidden))
    kind = draw(st.sampled_from(("trainable", "trainable", "random")))
    encoding = draw(st.sampled_from(("events", "events", "direct")))
    classes = draw(st.integers(2, 20))
    return Network(shape, specs, classes, length, lif, classifier=kind, encoding=encoding)


@st.composite
def settings(draw, network, interval):
    shifts = st.integers(0, 3)
    each = draw(st.booleans())
    count = len(network.weighted) if each else 1
    names = [layer.name for layer in network.weighted if layer.trainable]
    return Settings(
        interval=interval,
        error_fraction=draw(st.one_of(st.integers(11, 16), st.integers(6, 20))),
        rate_shift=draw(st.integers(-3, 4)),
        layer_shifts=tuple(draw(st.lists(shifts, min_size=count, max_size=count))),
        momentum_shift=draw(st.integers(0, 4)),
        seed=draw(st.integers(0, 2**32 - 1)),
        frozen=draw(st.lists(st.sampled_from(names), max_size=2, unique=True)),
        dropout=draw(st.sampled_from((0.0, 0.0, 0.1, 0.5, 0.99))),
        dropout_correction=draw(st.booleans()),
        loss=draw(st.sampled_from(("mse", "mse", "cross-entropy"))),
        temperature_shift=draw(st.integers(0, 3)),
        decay_to_zero=draw(st.booleans()),
    )


@st.composite
def samples(draw, classes, interval):
    """Draw two to four samples, cut into intervals of up to `interval` steps."""
    made, number = [], 0
    every = draw(st.sampled_from((1, 1, 2, 3)))
    for index in range(draw(st.integers(2, 4))):
        steps = draw(st.integers(1, 2 * interval + 1))
        learn = draw(st.sampled_from((True, True, True, False)))
        start = index == 0 or draw(st.sampled_from((True, True, False)))
        density = draw(st.sampled_from((0.3, 0.2, 0.5, 0.1, 0.9, 0.02, 0.0)))
        label, halvings = draw(st.integers(0, classes - 1)), draw(st.integers(0, 2))
        runs = []
        for first in range(0, steps, interval):
            number += 1
            runs.append(
                Run(
                    steps=min(interval, steps - first),
                    label=label,
                    density=density,
                    start=start and first == 0,
                    learn=learn,
                    update=learn and number % every == 0,
                    halvings=halvings,
                )
            )
        made.append(tuple(runs))
    return tuple(made)


@st.composite
def cases(draw, *configs):
    """Draw a case that fits all of `configs`."""
    network = draw(networks())
    interval = draw(st.integers(1, 6))
    assume(network.weights * interval < MOST_WORK)
    assume(not any(place(network, config, interval).excess() for config in configs))
    options = draw(settings(network, interval))
    case = Case(
        network,
        options,
        draw(st.sampled_from((1.0, 0.5, 2.0, 10.0))),
        draw(st.integers(0, 2**32 - 1)),
        draw(st.sampled_from((False, False, True))),
        draw(samples(network.classes, interval)),
    )
    assume(all(_accepts(case, config) for config in configs))
    return case


def _accepts(case, config):
    """Whether golden and compiler take the case: coefficients, shifts, loss, table have bounds."""
    try:
        GoldenModel(case.network, config.formats, case.settings)
        layout = place(case.network, config, case.settings.interval)
        compiler.layer_table(layout, case.settings)
        compiler.program(layout, case.settings)
        for runs in case.samples:
            for run in runs:
                case.settings.loss_scale(run.steps, case.network.classes)
                for layer in case.network.weighted:
                    case.settings.update_shift(layer, config.formats, run.halvings)
    except ValueError:
        return False
    return True


def generated(strategy, seed, count, shrink=True):
    """Return a decorator that makes a check run on `count` cases, the same ones for a seed.

    A case that fails is made as small as possible, which may take minutes, unless `shrink` is off.
    """
    left_out = () if shrink else (hypothesis.Phase.shrink, hypothesis.Phase.explain)
    limits = hypothesis.settings(
        max_examples=count,
        phases=[phase for phase in hypothesis.Phase if phase not in left_out],
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )

    def decorate(check):
        test = hypothesis.seed(seed)(limits(hypothesis.given(case=strategy)(check)))

        @wraps(check)
        def run():
            with _constants_of_sources_ignored():
                test()

        return run

    return decorate


def _constants_of_sources_ignored():
    """Return a context in which hypothesis draws no number because it stands in a loaded source.

    Else the cases of a seed would change with an edit anywhere and with what ran before. There is
    no public switch; tests/cosim/test_soak.py fails should these names change.
    """
    stack = ExitStack()
    cache = type(providers.CONSTANTS_CACHE)(1024)
    stack.enter_context(patch.object(providers, "CONSTANTS_CACHE", cache))
    none = providers.Constants()
    stack.enter_context(patch.object(providers.HypothesisProvider, "_local_constants", none))
    return stack
