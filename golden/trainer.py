"""The golden model: a spiking network and its on-chip training, bit for bit.

The arithmetic is written down in docs/arithmetic.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from golden import gradient, random_weights
from golden.block import BlockRun, Limits
from golden.counters import Counters
from golden.direct import PLANES
from golden.dropout import KeepMasks
from golden.formats import Formats
from golden.lif import Integers
from golden.network import Layer, Network, require_integer_model
from golden.neuron import LifCodes
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
    """Raise ValueError where frames do not suit the network.

    Their shape is wrong; events are other than 0 and 1; with direct encoding, values lie outside
    0 .. 255 or the frames are not all the same image (`np.broadcast_to` repeats one for free).
    """
    if frames.ndim != 4 or frames.shape[1:] != network.input_shape or not len(frames):
        raise ValueError(
            f"frames must have shape (steps, {', '.join(map(str, network.input_shape))}) "
            f"with steps >= 1, not {frames.shape}"
        )
    if network.encoding == "direct":
        image = frames[0]
        if image.max() >= 1 << PLANES or image.min() < 0:
            raise ValueError(
                f"pixels must be 0 to {(1 << PLANES) - 1}, not {image.min()} to {image.max()}"
            )
        if frames.strides[0] and not (frames == image).all():
            raise ValueError("direct encoding takes one image: all frames must be equal")
        return
    if frames.max() > 1 or frames.min() < 0:
        raise ValueError(
            f"frames must hold 0 and 1 only, not {frames.min()} to {frames.max()}: binarise them"
        )


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
    weights, momentum : list of Integers
        W (fraction f_w) and V (fraction f_e), shape `Layer.weight_shape`, order of `hash_id`;
        int32 (V above 30 bits int64).
    carry : list of Int
        Membrane potentials carried between intervals, fraction f_u, shape `Layer.out_shape`, in
        the order of `Layer.index`.
    trained_intervals : int
        Intervals trained so far in this run: keys the random bits.
    gradient_overflow : bool
        Sticky: V left its range.
    codes, inference_codes : list of LifCodes
        Integer constants, in the order of `Layer.index`; at inference those of layers below which
        dropout acted may differ.
    limits : Limits
        Formats of the points that saturate or wrap.

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
        require_integer_model(network)
        self.network = network
        self.formats = formats or Formats()
        self.settings = settings or Settings()
        self.strict = strict
        self.settings.check(network, self.formats)
        self.codes = [checked_codes(layer, self.formats) for layer in network.resolved]
        self.limits = Limits(
            weight=self.formats.weight_format,
            carry=self.formats.carry_format,
            delta=QFormat(self.formats.delta),
            gamma=QFormat(self.formats.gamma),
            gradient=QFormat(self.formats.gradient),
        )
        self.inference_codes = [
            self.settings.inference_codes(codes)
            if self.settings.corrects(layer, network)
            else codes
            for layer, codes in zip(network.resolved, self.codes, strict=True)
        ]
        self._words = gradient.RandomWords(network, self.settings.seed)
        self._masks = KeepMasks(network, self.settings)
        self.weights: list[Integers] = [
            np.zeros(layer.weight_shape, np.int32) for layer in network.weighted
        ]
        if weights is not None:
            self.load_weights(weights)
        self.momentum = [np.zeros(layer.weight_shape, np.int32) for layer in network.weighted]
        self.carry = [np.zeros(layer.out_shape, np.int64) for layer in network.resolved]
        self.trained_intervals = 0
        self.gradient_overflow = False

    @property
    def momentum(self) -> list[Integers]:
        """V codes per layer with weights; assigning a list copies it."""
        return self._momentum

    @momentum.setter
    def momentum(self, momentum: list[Integers]) -> None:
        dtype = gradient.momentum_dtype(self.limits.gradient)
        self._momentum = [np.array(v, dtype=dtype) for v in momentum]

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
        for layer, weight in zip(layers, weights, strict=True):
            if layer.random:
                random_weights.find_scale(self.settings.seed, layer, weight)
        self.weights = [np.array(weight, dtype=np.int32) for weight in weights]

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
            Input spikes 0 or 1, or an image of 0 .. 255 at every step; shape (steps, H, W, C).
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
        words = self._words.draw(self.trained_intervals) if learn and update else []
        keep = self._masks.draw(self.trained_intervals) if learn else {}
        spikes = frames if self.network.encoding == "direct" else frames.astype(np.bool_)
        counts = np.zeros(self.network.classes, np.int64)
        for block in self.network.blocks:
            run = BlockRun(self, block, spikes, learn, keep, trace, counters)
            counts = run.counts
            if learn:
                run.backward(label, scale)
                if update:
                    for layer in block.all_layers:
                        if self.settings.learns(layer):
                            self._update(layer, words[layer.hash_id], halvings, trace, counters)
            spikes = run.spikes
        self.trained_intervals += bool(learn)
        counters.interval(steps, start=start, learn=learn, update=learn and update)
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
        clipped = gradient.update(weight, momentum, words, q, self.limits.weight)
        counters.saturated("weight", clipped)
        gradient.decay(momentum, self.settings.momentum_shift, self.settings.decay_to_zero)
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
    if layer.direct and formats.delta < formats.carry:
        raise ValueError(
            f"the drive of {layer.name} needs {formats.carry} bits (Formats.carry), "
            f"Formats.delta has {formats.delta}: direct encoding keeps it there"
        )
    if layer.rows > 1 << 16 or layer.hash_id >= 1 << 7:
        raise ValueError(f"{layer.name} exceeds the random bits' 65,536 rows or 128 layers")
    return codes
