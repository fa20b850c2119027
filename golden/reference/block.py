"""One block over one interval in torch: forward a few steps at a time, backward the same way.

All that is kept from forward to backward is a byte per spike that weights read and a byte of h per
neuron and step. Numbers as reals exist for a few steps only, so that memory is that of the bytes:
it falls with k, and with n as the block gets smaller. Batch normalisation is the exception: its
statistics are those of the whole interval, which then is one piece, and it keeps its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from golden.network import Block, Layer
from golden.reference import synapse
from golden.reference.lif import fire, gamma_of

IMAGES = 256
"""Recordings times steps of a piece: enough for a convolution to be efficient, few enough for a
cache. Measured with LeNet-1 on a CPU."""

Tensors = dict[int, torch.Tensor]
"""By `Layer.index`."""

Learning = dict[int, Layer]
"""Layers whose weights learn, by `Layer.hash_id`."""


class BlockRun:
    """A block in one interval.

    Parameters
    ----------
    block : Block
    weights : list of torch.Tensor
        Of all the network's layers, by `hash_id`.
    norms : torch.nn.ModuleDict
        Batch normalisations by layer name.
    spikes : torch.Tensor
        Input of the block: bytes of shape (k, B, C, H, W), or an image as reals (1, B, C, H, W).
    factor : float
        What they are multiplied by.
    steps : int
        k of this interval.
    carry : dict
        Carried states by layer index; brought up to date.
    masks : dict
        Dropout masks by layer index, bool of shape (B, C, H, W).
    scale : callable
        Gives the factor of a layer's spikes on their way to the next layer, 1 but for inference
        after training with dropout.
    learn : bool
        Whether `backward` will follow.

    Attributes
    ----------
    spikes : torch.Tensor
        Of the block's top layer: bytes of shape (k, B, C, H, W).
    counts : torch.Tensor
        Spikes of the classifier, shape (B, Nc).
    kept : list of torch.Tensor
        What `backward` needs beside the weights.
    """

    def __init__(
        self,
        block: Block,
        weights: list[torch.Tensor],
        norms: torch.nn.ModuleDict,
        spikes: torch.Tensor,
        factor: float,
        steps: int,
        carry: Tensors,
        masks: Tensors,
        scale: Callable[[Layer], float],
        learn: bool,
    ) -> None:
        self.block, self.steps, self.learn = block, steps, learn
        self._weights, self._norms, self._carry, self._masks = weights, norms, carry, masks
        self._scale, self._input, self._factor = scale, spikes, factor
        self._source = block.layers[0].source
        batch = spikes.shape[1]
        normed = any(layer.batch_norm for layer in block.layers)
        piece = steps if normed else min(steps, max(1, -(-IMAGES // batch)))
        self._pieces = [(first, min(piece, steps - first)) for first in range(0, steps, piece)]
        self._readers = sorted({layer.source for layer in block.all_layers if layer.has_weights})
        top = block.layers[-1].index
        self._bytes: Tensors = {}
        for layer in block.layers:
            if layer.index == top or (learn and layer.index in self._readers):
                height, width, channels = layer.out_shape
                shape = (steps, batch, channels, height, width)
                self._bytes[layer.index] = spikes.new_empty(shape, dtype=torch.uint8)
        self._h: dict[int, list[torch.Tensor]] = {layer.index: [] for layer in block.all_layers}
        self._graphs: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._constant: torch.Tensor | None = None
        self.counts = weights[block.classifier.hash_id].new_zeros(
            (batch, block.classifier.out_shape[2])
        )
        for first, length in self._pieces:
            self._forward(first, length)
        self.spikes = self._bytes[top]

    @property
    def kept(self) -> list[torch.Tensor]:
        """What `backward` needs beside the weights, in the order that it expects."""
        inputs = [self._input if i == self._source else self._bytes[i] for i in self._readers]
        return [*inputs, *(h for pieces in self._h.values() for h in pieces)]

    def forget(self) -> None:
        """Let go of all tensors that `kept` returned and of the results."""
        self._bytes, self._h, self._constant = {}, {}, None
        del self._input, self.counts, self.spikes

    # ---- forward ------------------------------------------------------------------------------

    def _forward(self, first: int, length: int) -> None:
        real = self.counts.dtype
        direct = self.block.layers[0].direct
        source = self._input if direct else self._input[first : first + length].to(real)
        if self._factor != 1:
            source *= self._factor
        outputs: Tensors = {self._source: source}
        last = self._last_use()
        for layer in self.block.all_layers:
            if layer.kind == "add":
                made = outputs[layer.source] + outputs[layer.addend]
            else:
                made = self._spikes(layer, outputs[layer.source], length)
            if layer.index in self._bytes:
                self._bytes[layer.index][first : first + length] = made
            if layer.kind == "classifier":
                self.counts += made.flatten(2).sum(0)
            factor = self._scale(layer)
            outputs[layer.index] = made * factor if factor != 1 else made
            for index in [i for i, user in last.items() if user == layer.index]:
                outputs.pop(index, None)

    def _last_use(self) -> dict[int, int]:
        last: dict[int, int] = {}
        for layer in self.block.all_layers:
            last[layer.source] = layer.index
            if layer.kind == "add":
                last[layer.addend] = layer.index
        return last

    def _spikes(self, layer: Layer, source: torch.Tensor, length: int) -> torch.Tensor:
        sums = self._sums(layer, source)
        carry = self._carry.get(layer.index)
        if carry is None:
            carry = self._carry[layer.index] = torch.zeros_like(sums[0])
        made, mask = fire(
            sums, carry, length, layer.lif, constant=layer.direct, surrogate=self.learn
        )
        if mask is not None:
            self._h[layer.index].append(mask)
        if layer.index in self._masks:
            made *= self._masks[layer.index]
        return made

    def _sums(self, layer: Layer, source: torch.Tensor) -> torch.Tensor:
        if layer.direct and self._constant is not None:
            return self._constant  # the same at every step of the interval
        weight = self._weights[layer.hash_id] if layer.has_weights else None
        sums = synapse.sums(source, weight, layer)
        if layer.batch_norm:
            sums = self._normalised(layer, sums)
        if layer.direct:
            self._constant = sums
        return sums

    def _normalised(self, layer: Layer, sums: torch.Tensor) -> torch.Tensor:
        images = sums.flatten(0, 1)
        with torch.set_grad_enabled(self.learn):
            images.requires_grad_(self.learn)
            made = self._norms[layer.name](images)
        if self.learn:
            self._graphs[layer.index] = (images, made)
        return made.detach().unflatten(0, sums.shape[:2])  # type: ignore[no-any-return]

    # ---- backward -----------------------------------------------------------------------------

    def backward(self, e: torch.Tensor, kept: list[torch.Tensor], learning: Learning) -> Tensors:
        """Return the gradients of the learning layers' weights by `hash_id`.

        Parameters
        ----------
        e : torch.Tensor
            Error of the classifier's spikes, the same at every step, shape (B, Nc).
        kept : list of torch.Tensor
            As `kept` gave it.
        learning : dict
            Layers whose weights learn, by `hash_id`. Parameters of batch normalisations get their
            gradients themselves.
        """
        inputs = dict(zip(self._readers, kept, strict=False))
        rest = iter(kept[len(inputs) :])
        h = {
            layer.index: [next(rest) for _ in self._pieces]
            for layer in self.block.all_layers
            if layer.kind != "add"
        }
        grads: Tensors = {}
        later: Tensors = {}
        summed: torch.Tensor | None = None
        for number, (first, length) in reversed(list(enumerate(self._pieces))):
            errors: Tensors = {
                self.block.classifier.index: e[..., None, None].expand(length, -1, -1, -1, -1)
            }
            for layer in self.block.all_layers[::-1]:
                error = errors.pop(layer.index)
                if layer.kind == "add":
                    self._give(errors, layer.source, error)
                    self._give(errors, layer.addend, error)
                    continue
                if layer.index in self._masks:
                    error = error * self._masks[layer.index]
                gamma = gamma_of(error, h[layer.index][number], later.get(layer.index), layer.lif)
                later[layer.index] = gamma[0].clone() if number else gamma[0]
                if layer.direct:
                    part = gamma.sum(0, keepdim=True)
                    summed = part if summed is None else summed + part
                    if number:
                        continue
                    gamma = summed
                if layer.batch_norm:
                    gamma = self._unnormalised(layer, gamma)
                if layer.hash_id in learning and layer.has_weights:
                    kept_input = inputs[layer.source]
                    source = kept_input if layer.direct else kept_input[first : first + length]
                    made = synapse.change(source.to(gamma.dtype), gamma, layer)
                    if layer.hash_id in grads:
                        grads[layer.hash_id] += made
                    else:
                        grads[layer.hash_id] = made
                if layer.source != self._source:
                    weight = self._weights[layer.hash_id] if layer.has_weights else None
                    self._give(errors, layer.source, synapse.spread(gamma, weight, layer))
        return grads

    def _give(self, errors: Tensors, index: int, error: torch.Tensor) -> None:
        if index != self._source:
            errors[index] = errors[index] + error if index in errors else error

    def _unnormalised(self, layer: Layer, gamma: torch.Tensor) -> torch.Tensor:
        images, made = self._graphs.pop(layer.index)
        torch.autograd.backward(made, gamma.flatten(0, 1))
        assert images.grad is not None
        return images.grad.unflatten(0, gamma.shape[:2])


class _Counts(torch.autograd.Function):
    """Counts of a block's classifier as a function of the block's weights."""

    @staticmethod
    def forward(ctx: Any, make: Callable[[], BlockRun], learning: Learning, *_: Any) -> Any:
        run = make()
        ctx.run, ctx.learning = run, learning
        ctx.save_for_backward(*run.kept)
        counts, spikes = run.counts, run.spikes
        run.forget()  # what leaves here gets a graph that leads back to the run: no circle
        ctx.mark_non_differentiable(spikes)
        return counts, spikes

    @staticmethod
    def backward(ctx: Any, e: torch.Tensor, _: Any) -> Any:  # type: ignore[override]
        grads = ctx.run.backward(e, list(ctx.saved_tensors), ctx.learning)
        ctx.run = None
        return None, None, *(grads[hash_id] for hash_id in ctx.learning)


def counts_of(
    make: Callable[[], BlockRun], learning: Learning, weights: list[torch.Tensor]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return counts, with a graph back to the learning weights, and spikes of a block.

    Parameters
    ----------
    make : callable
        Runs the block forward.
    learning : dict
        Layers whose weights learn, by `hash_id`.
    weights : list of torch.Tensor
        Of all the network's layers, by `hash_id`.
    """
    made: tuple[torch.Tensor, torch.Tensor] = _Counts.apply(  # type: ignore[no-untyped-call]
        make, learning, *(weights[hash_id] for hash_id in learning)
    )
    return made
