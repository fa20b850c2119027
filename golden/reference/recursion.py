"""Float twin of the golden model: the same recursion in float64, with real constants and rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import synapse
from golden.direct import PLANES
from golden.dropout import KeepMasks
from golden.network import Block, Layer, Network, require_integer_model
from golden.settings import DROPOUT_BITS, Settings, intervals
from golden.trace import Trace
from golden.trainer import Sample, check_frames

Float = NDArray[np.float64]

PIXEL_SCALE = 1 << PLANES
"""A pixel x of direct encoding stands for x/256."""


class FloatModel:
    """Spiking network trained by the truncated local recursion in float64.

    The twin of `golden.trainer.GoldenModel`: the same network description, settings, order of
    operations and calls, but no rounding, no saturation and real constants. mu = 1 - 2**-d, and V
    is gradient accumulator and momentum in one: add, update, then decay.

    Parameters
    ----------
    network : Network
        Layers, blocks and classifiers; any block length.
    settings : Settings
        Interval, rates and momentum; `error_fraction` and `seed` are not used.
    weights : list of Float
        Real weights per layer in the order of `hash_id`. Copied.

    Attributes
    ----------
    weights, momentum : list of Float
        W and V, shape `Layer.weight_shape`.
    carry : list of Float
        ``tau * u - theta * s`` carried between intervals, per `Layer.index`.
    trained_intervals : int
        Intervals trained so far.
    """

    def __init__(self, network: Network, settings: Settings, weights: list[Float]) -> None:
        require_integer_model(network)
        self.network, self.settings = network, settings
        shapes = [weight.shape for weight in weights]
        wanted = [layer.weight_shape for layer in network.weighted]
        if shapes != wanted:
            raise ValueError(f"weights must have shapes {wanted}, not {shapes}")
        self.weights = [np.array(weight, dtype=np.float64) for weight in weights]
        self.momentum = [np.zeros(shape) for shape in wanted]
        self.carry = [np.zeros(layer.out_shape) for layer in network.resolved]
        self._masks = KeepMasks(network, settings)
        self.trained_intervals = 0

    def run_interval(
        self,
        frames: NDArray[np.uint8],
        label: int,
        *,
        start: bool,
        learn: bool,
        halvings: int = 0,
        update: bool = True,
        trace: Trace | None = None,
    ) -> NDArray[np.int64]:
        """Run one truncation interval; as `GoldenModel.run_interval`, without counters."""
        check_frames(frames, self.network)
        if trace is not None:
            trace.begin()
        if start:
            for carry in self.carry:
                carry[...] = 0
        keep = self._masks.draw(self.trained_intervals) if learn else {}
        spikes = frames if self.network.encoding == "direct" else frames.astype(np.bool_)
        counts = np.zeros(self.network.classes, np.int64)
        for block in self.network.blocks:
            run = _BlockRun(self, block, spikes, learn, keep, trace)
            counts, spikes = run.counts, run.spikes
            if learn:
                run.backward(label)
                if update:
                    self._update(block, halvings)
        self.trained_intervals += bool(learn)
        return counts

    def _update(self, block: Block, halvings: int) -> None:
        settings = self.settings
        for layer in block.all_layers:
            if settings.learns(layer):
                momentum = self.momentum[layer.hash_id]
                shift = settings.rate_shift + settings.layer_shift(layer) + halvings
                self.weights[layer.hash_id] -= momentum * 2.0**-shift
                keep = 1 - 2.0**-settings.momentum_shift if settings.momentum_shift else 0.0
                momentum *= keep

    def train_sample(
        self, frames: NDArray[np.uint8], label: int, *, halvings: int = 0
    ) -> NDArray[np.int64]:
        """Train on one recording, interval by interval; return its class counts over all T."""
        counts = np.zeros(self.network.classes, np.int64)
        for first, length in intervals(len(frames), self.settings.interval):
            counts += self.run_interval(
                frames[first : first + length], label, start=first == 0, learn=True,
                halvings=halvings,
            )  # fmt: skip
        return counts

    def predict(self, frames: NDArray[np.uint8]) -> int:
        """Return the class with most output spikes; ties go to the lowest class."""
        return int(np.argmax(self.run_interval(frames, 0, start=True, learn=False)))

    def evaluate(self, samples: Iterable[Sample]) -> float:
        """Return the accuracy on recordings, 0 to 1, without learning."""
        right = [self.predict(sample.frames) == sample.label for sample in samples]
        if not right:
            raise ValueError("samples must hold at least one recording")
        return float(np.mean(right))


class _BlockRun:
    """One block in one interval: forward on construction, then backward."""

    def __init__(
        self,
        model: FloatModel,
        block: Block,
        spikes: NDArray[Any],
        learn: bool,
        keep: dict[int, NDArray[np.bool_]],
        trace: Trace | None,
    ) -> None:
        self.model, self.block, self.trace, self.steps = model, block, trace, len(spikes)
        self.learn, self.keep = learn, keep
        self.inputs: dict[int, Float] = {}
        self.masks: dict[int, NDArray[np.bool_]] = {}
        for layer in block.all_layers:
            fired, u = self._forward(layer, spikes)
            if trace is not None:
                trace.record(layer.name, "s", fired, np.uint8)
                trace.record(layer.name, "u", u, np.float64)
            if layer.kind == "classifier":
                self.counts = fired.sum(axis=(0, 1, 2), dtype=np.int64)
            else:
                spikes = fired & keep[layer.index] if layer.index in keep else fired
        self.spikes = spikes

    def _forward(self, layer: Layer, spikes: NDArray[Any]) -> tuple[NDArray[np.bool_], Float]:
        lif, scale = layer.lif, 1.0
        settings = self.model.settings
        if not self.learn and settings.corrects(layer, self.model.network):
            scale = 1 / (1 - settings.dropout_code / (1 << DROPOUT_BITS))
        if layer.kind == "pool":
            u = synapse.pooled(spikes, layer, np.float64) / layer.window**2
        else:
            source = spikes[:1] / PIXEL_SCALE if layer.direct else spikes
            matrix = self.inputs[layer.index] = synapse.inputs(source, layer, np.float64)
            product = matrix @ self.model.weights[layer.hash_id]
            u = product.reshape(len(source), *layer.out_shape)
            if layer.direct:
                u = np.repeat(u, self.steps, axis=0)
        fired = np.empty(u.shape, np.bool_)
        carry = self.model.carry[layer.index]
        for t in range(len(u)):
            u[t] += carry
            fired[t] = u[t] >= lif.u_th * scale
            carry = lif.tau * u[t] - lif.theta * scale * fired[t]
        self.model.carry[layer.index] = carry
        self.masks[layer.index] = np.abs(u - lif.u_th) < lif.a / 2
        return fired, u

    def backward(self, label: int) -> None:
        """Form errors from the classifier down to the block's bottom and accumulate gradients."""
        classes = self.model.network.classes
        settings = self.model.settings
        if settings.loss == "mse":
            difference = self.counts.astype(np.float64)
            difference[label] -= self.steps
        else:
            octaves = (self.counts - self.counts.max()) / 2.0**settings.temperature_shift
            difference = self.steps * 2.0**octaves / (2.0**octaves).sum()
            difference[label] -= self.steps
        error = np.asarray(2.0 / (classes * self.steps**2) * difference)
        for layer in self.block.all_layers[::-1]:
            if layer.index in self.keep:
                error = error * self.keep[layer.index]
            gamma = self._gamma(layer, error)
            if self.trace is not None:
                self.trace.record(layer.name, "gamma", gamma, np.float64)
            if layer.has_weights:
                if self.model.settings.learns(layer):
                    total = gamma.sum(axis=0) if layer.direct else gamma
                    flat = total.reshape(-1, layer.out_shape[2])
                    self.model.momentum[layer.hash_id] += self.inputs[layer.index].T @ flat
                if layer is not self.block.layers[0]:
                    error = synapse.spread(gamma, self.model.weights[layer.hash_id], layer)
            else:
                error = synapse.unpooled(gamma, layer) / layer.window**2

    def _gamma(self, layer: Layer, error: Float) -> Float:
        lif, mask = layer.lif, self.masks[layer.index]
        spatial = mask * (error / lif.a)
        keep = np.where(mask, lif.tau - lif.theta / lif.a, lif.tau)
        gamma = np.empty_like(keep)
        later = np.zeros_like(keep[0])
        for t in range(len(gamma) - 1, -1, -1):
            later = gamma[t] = spatial[t] + keep[t] * later
        return gamma
