"""One block of the golden model in one interval: forward all steps, then errors and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from golden import direct, gradient, lif, local_error, loss, synapse
from golden.counters import Counters
from golden.network import Block, Layer
from golden.neuron import LifCodes
from golden.qformat import Int, QFormat
from golden.trace import Trace

if TYPE_CHECKING:
    from golden.trainer import GoldenModel


class Limits(NamedTuple):
    """Formats at the points where values saturate or wrap."""

    weight: QFormat
    carry: QFormat
    delta: QFormat
    gamma: QFormat
    gradient: QFormat


class BlockRun:
    """One block in one interval: forward on construction, then `backward` if it learns.

    Parameters
    ----------
    model : GoldenModel
        Supplies weights and constants; its carries and, in `backward`, its V change.
    block : Block
        The block.
    spikes : NDArray
        Spikes that enter the block, shape (steps, H, W, C); with direct encoding the image at every
        step.
    learn : bool
        Whether the surrogate masks are kept.
    keep : dict
        Keep bits of dropout by `Layer.index`; a layer that is not there drops nothing.
    trace : Trace or None
        Records every state.
    counters : Counters
        Adds up saturations and lane operations.

    Attributes
    ----------
    spikes : NDArray
        Spikes of the block's top layer: the input of the next block.
    counts : Int
        Spikes of each class of the block's classifier, shape (classes,).
    """

    def __init__(
        self,
        model: GoldenModel,
        block: Block,
        spikes: NDArray[Any],
        learn: bool,
        keep: dict[int, NDArray[np.bool_]],
        trace: Trace | None,
        counters: Counters,
    ) -> None:
        self.model, self.block, self.trace, self.counters = model, block, trace, counters
        self.steps, self.learn = len(spikes), learn
        self.inputs: dict[int, NDArray[Any]] = {}
        self.rows: dict[int, slice | NDArray[np.intp]] = {}
        self.sources: dict[int, NDArray[Any]] = {}
        self.masks: dict[int, NDArray[np.bool_]] = {}
        for layer in block.all_layers:
            source = direct.bit_planes(spikes[0]) if layer.direct else spikes
            self.sources[layer.index] = source
            counters.forward(layer, source)
            drive = self._sums(layer, source)
            if layer.direct:
                drive = self._drive(layer, drive)
            codes = (model.codes if learn else model.inference_codes)[layer.index]
            activity = lif.integrate(
                drive, model.carry[layer.index], codes, model.limits.carry, learn
            )
            counters.saturated("carry", activity.clipped)
            sent, mask = activity.spikes, activity.mask
            if layer.index in keep:  # without a mask e and gamma are 0 for the whole interval
                sent, mask = sent & keep[layer.index], mask & keep[layer.index]
            if trace is not None:
                self._record(layer, activity, sent, mask, codes)
            model.carry[layer.index] = activity.carry.astype(np.int64)
            self.masks[layer.index] = mask
            if layer.kind == "classifier":
                self.counts: Int = activity.spikes.sum(axis=(0, 1, 2), dtype=np.int64)
            else:
                spikes = sent
        self.spikes = spikes

    def _drive(self, layer: Layer, sums: NDArray[Any]) -> NDArray[Any]:
        drive, clipped = direct.drive(sums, self.model.limits.carry)
        self.counters.saturated("carry", clipped)
        if self.trace is not None:
            self.trace.record(layer.name, "drive", drive)
        return np.broadcast_to(drive.astype(sums.dtype), (self.steps, *drive.shape))

    def _sums(self, layer: Layer, spikes: NDArray[Any]) -> NDArray[Any]:
        formats = self.model.formats
        dtype = lif.membrane_dtype(formats, layer.fan_in, self.model.codes[layer.index])
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

    def _record(
        self,
        layer: Layer,
        activity: lif.Activity,
        sent: NDArray[np.bool_],
        mask: NDArray[np.bool_],
        codes: LifCodes,
    ) -> None:
        assert self.trace is not None
        limit = self.model.limits.carry
        self.trace.record(layer.name, "s", sent)
        self.trace.record(layer.name, "u", activity.u)
        wide = lif.leak(activity.u, activity.spikes, codes)
        self.trace.record(layer.name, "carry", limit.saturate(wide)[0])
        if self.learn:
            self.trace.record(layer.name, "h", mask)

    def backward(self, label: int, scale: tuple[int, int]) -> None:
        """Form errors from the classifier down to the block's bottom and accumulate gradients."""
        model, limits = self.model, self.model.limits
        dtype = local_error.gamma_dtype(model.formats)
        if model.settings.loss == "mse":
            difference = loss.square_difference(self.counts, label, self.steps)
        else:
            softness = model.settings.temperature_shift
            difference = loss.entropy_difference(self.counts, label, softness)
        e_c, clipped = loss.class_errors(difference, scale, limits.delta)
        self.counters.saturated("delta", clipped)
        error: NDArray[Any] = e_c.astype(dtype)
        below: tuple[Layer | None, ...] = (None, *self.block.layers)
        for layer, source in zip(self.block.all_layers[::-1], below[::-1], strict=True):
            mask = self.masks[layer.index]
            if self.trace is not None:
                self.trace.record(layer.name, "e", np.broadcast_to(error, mask.shape))
            gamma, clipped = local_error.potential_errors(
                error, mask, model.codes[layer.index], limits.gamma
            )
            self.counters.saturated("gamma", clipped)
            if self.trace is not None:
                self.trace.record(layer.name, "gamma", gamma)
            if model.settings.learns(layer):
                self._accumulate(layer, self._planes(layer, gamma) if layer.direct else gamma)
            if source is not None:
                error = self._error_below(layer, gamma, self.masks[source.index])

    def _planes(self, layer: Layer, gamma: NDArray[Any]) -> NDArray[Any]:
        total, clipped = direct.gamma_sum(gamma, self.model.limits.delta)
        planes, more = direct.plane_gammas(total, self.model.limits.gamma)
        self.counters.saturated("gamma", clipped + more)
        if self.trace is not None:
            self.trace.record(layer.name, "gamma_sum", total)
        return planes

    def _accumulate(self, layer: Layer, gamma: NDArray[Any]) -> None:
        model = self.model
        self.counters.gradient(layer, self.sources[layer.index], gamma)
        limits = model.limits
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
