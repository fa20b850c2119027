"""The golden model: a spiking network and its on-chip training, bit for bit.

The arithmetic is written down in docs/arithmetic.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from golden import gradient, lif, local_error, synapse
from golden.counters import Counters
from golden.formats import Formats
from golden.network import Block, Layer, LifCodes, Network
from golden.qformat import Int, QFormat
from golden.settings import Settings, intervals
from golden.trace import Trace


class Sample(Protocol):
    """A recording: frames (T, H, W, C) of 0 and 1, and its class."""

    @property
    def frames(self) -> NDArray[Any]: ...  # noqa: D102

    @property
    def label(self) -> int: ...  # noqa: D102


def check_frames(frames: NDArray[Any], network: Network) -> None:
    """Raise ValueError where frames do not suit the network: shape, values other than 0 and 1."""
    if frames.ndim != 4 or frames.shape[1:] != network.input_shape or not len(frames):
        raise ValueError(
            f"frames must have shape (steps, {', '.join(map(str, network.input_shape))}) "
            f"with steps >= 1, not {frames.shape}"
        )
    if frames.max() > 1 or frames.min() < 0:
        raise ValueError(
            f"frames must hold 0 and 1 only, not {frames.min()} to {frames.max()}: binarise them"
        )


class Limits(NamedTuple):
    """Formats at the points where values saturate or wrap."""

    weight: QFormat
    carry: QFormat
    delta: QFormat
    gamma: QFormat
    gradient: QFormat


class GoldenModel:
    """Integer model of the accelerator with the state it keeps between intervals.

    Training is interval-major: block by block, all steps of the interval at once. It equals the
    step-major algorithm exactly, because V adds do not depend on order and random bits are keyed by
    address.

    Parameters
    ----------
    network : Network
        Layers, blocks and classifiers; any block length.
    formats : Formats
        Widths of everything stored.
    settings : Settings
        Interval, rates, momentum, seed.
    weights : list of Int, optional
        W codes per layer with weights in the order of `hash_id`; zeros if not given
        (`golden.initialise` makes good ones). Copied.
    strict : bool
        Raise where V overflows; else wrap as the hardware does and set `gradient_overflow`.

    Attributes
    ----------
    weights, momentum : list of Int
        W (fraction f_w) and V (fraction f_e), shape `Layer.weight_shape`, order of `hash_id`.
    carry : list of Int
        Membrane potentials carried between intervals, fraction f_u, shape `Layer.out_shape`, in
        the order of `Layer.index`.
    update_number : int
        Updates so far in this run: keys the random bits.
    gradient_overflow : bool
        Sticky: V left its range.

    Raises
    ------
    ValueError
        The network does not suit the formats, or the weights are wrong; the message says which.
    """

    def __init__(
        self,
        network: Network,
        formats: Formats | None = None,
        settings: Settings | None = None,
        weights: list[Int] | None = None,
        *,
        strict: bool = True,
    ) -> None:
        self.network = network
        self.formats = formats or Formats()
        self.settings = settings or Settings()
        self.strict = strict
        self.settings.check(network, self.formats)
        self._codes = [checked_codes(layer, self.formats) for layer in network.resolved]
        self._limits = Limits(
            weight=self.formats.weight_format,
            carry=self.formats.carry_format,
            delta=QFormat(self.formats.delta),
            gamma=QFormat(self.formats.gamma),
            gradient=QFormat(self.formats.gradient),
        )
        self._words = gradient.RandomWords(network, self.settings.seed)
        self.weights = [np.zeros(layer.weight_shape, np.int64) for layer in network.weighted]
        if weights is not None:
            self.load_weights(weights)
        self.momentum = [np.zeros(layer.weight_shape, np.int64) for layer in network.weighted]
        self.carry = [np.zeros(layer.out_shape, np.int64) for layer in network.resolved]
        self.update_number = 0
        self.gradient_overflow = False

    def load_weights(self, weights: list[Int]) -> None:
        """Replace all weights by copies.

        Raises
        ------
        ValueError
            Number, shape or range is wrong; the message names the layer.
        """
        layers = self.network.weighted
        if len(weights) != len(layers):
            raise ValueError(f"weights must hold {len(layers)} arrays, not {len(weights)}")
        limit = self.formats.weight_format
        for layer, weight in zip(layers, weights, strict=True):
            if weight.shape != layer.weight_shape:
                raise ValueError(
                    f"weights of {layer.name} must have shape {layer.weight_shape}, "
                    f"not {weight.shape}"
                )
            if not np.issubdtype(weight.dtype, np.integer):
                raise TypeError(
                    f"weights of {layer.name} must be integer codes, not {weight.dtype}: "
                    "use Formats.weight_format.quantize"
                )
            if np.abs(weight.astype(np.int64)).max() > limit.maximum:
                raise ValueError(f"weights of {layer.name} must lie within +-{limit.maximum}")
        self.weights = [np.array(weight, dtype=np.int64) for weight in weights]

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
        counters: Counters | None = None,
    ) -> Int:
        """Run one truncation interval and return the output classifier's spike counts.

        Parameters
        ----------
        frames : NDArray
            Input spikes 0 or 1, shape (steps, H, W, C).
        label : int
            Class of the sample; not used without `learn`.
        start : bool
            Whether this is a sample's first interval: zeroes all carries.
        learn : bool
            Whether errors are formed and V and W change.
        halvings : int
            Further halvings of the learning rate in this interval's update.
        update : bool
            Whether UPDATE and DECAY follow; else V goes on accumulating.
        trace : Trace, optional
            Records every state.
        counters : Counters, optional
            Adds up saturations and, if asked, lane operations.

        Returns
        -------
        Int
            Spikes of each class, shape (classes,).

        Raises
        ------
        ValueError
            Frames, label or interval length do not suit the network and formats.
        OverflowError
            V overflowed and the model is strict.
        """
        check_frames(frames, self.network)
        steps = len(frames)
        if steps >= 1 << self.formats.count:
            raise ValueError(
                f"an interval of {steps} steps overflows the {self.formats.count} bit class "
                "counts: shorten it or widen Formats.count"
            )
        if learn and not 0 <= label < self.network.classes:
            raise ValueError(f"label must be in 0..{self.network.classes - 1}, not {label}")
        counters = counters or Counters()
        if trace is not None:
            trace.begin()
        if start:
            for carry in self.carry:
                carry[...] = 0
        scale = self.settings.loss_scale(steps, self.network.classes) if learn else (0, 0)
        words = self._words.draw(self.update_number) if learn and update else []
        spikes: NDArray[Any] = frames.astype(np.bool_)
        counts = np.zeros(self.network.classes, np.int64)
        for block in self.network.blocks:
            run = _BlockRun(self, block, spikes, learn, trace, counters)
            counts = run.counts
            if learn:
                run.backward(label, scale)
                if update:
                    for layer in block.all_layers:
                        if layer.has_weights:
                            self._update(layer, words[layer.hash_id], halvings, trace, counters)
            spikes = run.spikes
        self.update_number += bool(learn and update)
        return counts

    def _update(
        self,
        layer: Layer,
        words: NDArray[Any],
        halvings: int,
        trace: Trace | None,
        counters: Counters,
    ) -> None:
        weight, momentum = self.weights[layer.hash_id], self.momentum[layer.hash_id]
        if trace is not None:
            trace.record(layer.name, "V_sum", momentum)
        q = self.settings.update_shift(layer, self.formats, halvings)
        clipped = gradient.update(weight, momentum, words, q, self._limits.weight)
        counters.saturated("weight", clipped)
        gradient.decay(momentum, self.settings.momentum_shift)
        if trace is not None:
            trace.record(layer.name, "V", momentum)
            trace.record(layer.name, "W", weight)

    def train_sample(
        self,
        frames: NDArray[np.uint8],
        label: int,
        *,
        halvings: int = 0,
        trace: Trace | None = None,
        counters: Counters | None = None,
    ) -> Int:
        """Train on one recording, interval by interval; return its class counts over all T."""
        counts = np.zeros(self.network.classes, np.int64)
        for first, length in intervals(len(frames), self.settings.interval):
            counts += self.run_interval(
                frames[first : first + length], label, start=first == 0, learn=True,
                halvings=halvings, trace=trace, counters=counters,
            )  # fmt: skip
        return counts

    def class_counts(self, frames: NDArray[np.uint8], counters: Counters | None = None) -> Int:
        """Run a recording without learning; return its class counts over all T."""
        counts = np.zeros(self.network.classes, np.int64)
        longest = (1 << self.formats.count) - 1
        for first, length in intervals(len(frames), min(len(frames), longest)):
            counts += self.run_interval(
                frames[first : first + length], 0, start=first == 0, learn=False, counters=counters
            )
        return counts

    def predict(self, frames: NDArray[np.uint8]) -> int:
        """Return the class with most output spikes; ties go to the lowest class."""
        return int(np.argmax(self.class_counts(frames)))

    def evaluate(self, samples: Iterable[Sample]) -> float:
        """Return the accuracy on recordings, 0 to 1, without learning.

        Raises
        ------
        ValueError
            There are no samples.
        """
        right = [self.predict(sample.frames) == sample.label for sample in samples]
        if not right:
            raise ValueError("samples must hold at least one recording")
        return float(np.mean(right))


def checked_codes(layer: Layer, formats: Formats) -> LifCodes:
    """Return a layer's integer constants after checking that layer and formats suit each other.

    Raises
    ------
    ValueError
        A sum, coefficient or address would not fit; the message names it, and the remedy.
    """
    codes = layer.lif.codes(formats, layer.pool_area)
    coefficients = QFormat(formats.coefficient)
    for name in ("tau", "a", "c0", "c1"):
        value = getattr(codes, name)
        if abs(value) > coefficients.maximum:
            raise ValueError(
                f"coefficient {name} of {layer.name} must lie within +-{coefficients.maximum}, "
                f"not {value}: widen Formats.coefficient or change Lif"
            )
    shift = 2 * (layer.window.bit_length() - 1)
    if layer.kind == "pool":
        if formats.state_fraction < shift:
            raise ValueError(
                f"{layer.name} needs {shift} fractional bits of u, not {formats.state_fraction}"
            )
        needed = formats.state_bits(1, formats.state_fraction + 2)
    else:
        needed = formats.state_bits(layer.fan_in)
    if needed > formats.state:
        raise ValueError(
            f"the sum of {layer.name} needs {needed} bits, Formats.state has {formats.state}: "
            "widen it, or raise forward_shift"
        )
    if layer.rows > 1 << 16 or layer.hash_id >= 1 << 8:
        raise ValueError(f"{layer.name} exceeds the random bits' 65,536 rows or 256 layers")
    return codes


class _BlockRun:
    """One block in one interval: forward on construction, then backward."""

    def __init__(
        self,
        model: GoldenModel,
        block: Block,
        spikes: NDArray[Any],
        learn: bool,
        trace: Trace | None,
        counters: Counters,
    ) -> None:
        self.model, self.block, self.trace, self.counters = model, block, trace, counters
        self.inputs: dict[int, NDArray[Any]] = {}
        self.rows: dict[int, slice | NDArray[np.intp]] = {}
        self.sources: dict[int, NDArray[Any]] = {}
        self.masks: dict[int, NDArray[np.bool_]] = {}
        for layer in block.all_layers:
            self.sources[layer.index] = spikes
            counters.forward(layer, spikes)
            activity = lif.integrate(
                self._drive(layer, spikes),
                model.carry[layer.index],
                model._codes[layer.index],
                model._limits.carry,
                learn,
            )
            counters.saturated("carry", activity.clipped)
            if trace is not None:
                self._record(layer, activity, learn)
            model.carry[layer.index] = activity.carry.astype(np.int64)
            self.masks[layer.index] = activity.mask
            if layer.kind == "classifier":
                self.counts: Int = activity.spikes.sum(axis=(0, 1, 2), dtype=np.int64)
            else:
                spikes = activity.spikes
        self.spikes = spikes
        self.steps = len(spikes)

    def _drive(self, layer: Layer, spikes: NDArray[Any]) -> NDArray[Any]:
        formats = self.model.formats
        dtype = lif.membrane_dtype(formats, layer.fan_in, self.model._codes[layer.index])
        if layer.kind == "pool":
            shift = formats.state_fraction - 2 * (layer.window.bit_length() - 1)
            total: NDArray[Any] = synapse.pooled(spikes, layer, dtype) << dtype(shift)
            return total
        exact = synapse.exact_dtype(layer.fan_in << (formats.forward_weight - 1))
        matrix = synapse.inputs(spikes, layer, exact)
        rows: slice | NDArray[np.intp] = slice(None)
        if layer.kind != "conv":  # most inputs stay silent for a whole interval
            rows = np.flatnonzero(matrix.any(axis=0))
            matrix = matrix[:, rows]
        self.inputs[layer.index], self.rows[layer.index] = matrix, rows
        weight = self.model.weights[layer.hash_id][rows] >> formats.forward_shift
        drive: NDArray[Any] = (matrix @ weight.astype(exact)).astype(dtype)
        return drive.reshape(len(spikes), *layer.out_shape)

    def _record(self, layer: Layer, activity: lif.Activity, learn: bool) -> None:
        assert self.trace is not None
        codes, limit = self.model._codes[layer.index], self.model._limits.carry
        self.trace.record(layer.name, "s", activity.spikes)
        self.trace.record(layer.name, "u", activity.u)
        wide = lif.leak(activity.u, activity.spikes, codes)
        self.trace.record(layer.name, "carry", limit.saturate(wide)[0])
        if learn:
            self.trace.record(layer.name, "h", activity.mask)

    def backward(self, label: int, scale: tuple[int, int]) -> None:
        """Form errors from the classifier down to the block's bottom and accumulate gradients."""
        model, limits = self.model, self.model._limits
        dtype = local_error.gamma_dtype(model.formats)
        e_c, clipped = local_error.loss_error(self.counts, label, self.steps, scale, limits.delta)
        self.counters.saturated("delta", clipped)
        error: NDArray[Any] = e_c.astype(dtype)
        below: tuple[Layer | None, ...] = (None, *self.block.layers)
        for layer, source in zip(self.block.all_layers[::-1], below[::-1], strict=True):
            mask = self.masks[layer.index]
            gamma, clipped = local_error.potential_errors(
                error, mask, model._codes[layer.index], limits.gamma
            )
            self.counters.saturated("gamma", clipped)
            if self.trace is not None:
                self.trace.record(layer.name, "e", np.broadcast_to(error, gamma.shape))
                self.trace.record(layer.name, "gamma", gamma)
            if layer.has_weights:
                self._accumulate(layer, gamma)
            if source is not None:
                error = self._error_below(layer, gamma, self.masks[source.index])

    def _accumulate(self, layer: Layer, gamma: NDArray[Any]) -> None:
        model = self.model
        self.counters.gradient(layer, self.sources[layer.index], gamma)
        limits = model._limits
        added = gradient.interval_gradient(self.inputs[layer.index], gamma, limits.gamma)
        rows, limit = self.rows[layer.index], limits.gradient
        total = model.momentum[layer.hash_id][rows]
        overflow = gradient.accumulate(total, added, limit)
        model.momentum[layer.hash_id][rows] = total
        if overflow:
            model.gradient_overflow = True
            if model.strict:
                raise OverflowError(
                    f"V of {layer.name} left its {limit.width} bits: widen Formats.gradient or "
                    f"lower error_fraction (now {model.settings.error_fraction})"
                )

    def _error_below(
        self, layer: Layer, gamma: NDArray[Any], mask: NDArray[np.bool_]
    ) -> NDArray[Any]:
        formats = self.model.formats
        self.counters.backward(layer, mask, gamma)
        weight = None
        if layer.has_weights:
            largest = layer.fan_out << (formats.weight + formats.gamma - 2)
            weight = self.model.weights[layer.hash_id].astype(synapse.exact_dtype(largest))
        error, clipped = local_error.error_below(gamma, weight, layer, mask, formats)
        self.counters.saturated("delta", clipped)
        return error
