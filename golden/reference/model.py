"""Float reference of any network in torch, block by block and interval by interval.

What is kept for the backward pass is never more than one block over one interval: a block's error
is formed and used before the next block runs (`golden.reference.block`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from golden.direct import PLANES
from golden.network import Block, Layer, Network
from golden.reference.block import BlockRun, Tensors, counts_of
from golden.reference.loss import Loss

PIXEL_SCALE = 1 / (1 << PLANES)
"""A pixel x of direct encoding stands for x/256."""

Masks = Callable[[Layer, tuple[int, ...]], torch.Tensor]
"""Draws the dropout mask of a layer, bool of shape (B, C, H, W)."""


@dataclass(frozen=True)
class Dropout:
    """Dropout after convolutions and dense layers (paper.md, The algorithm).

    Parameters
    ----------
    rate : float
        Share of neurons dropped for an interval while training, 0 to below 1. Spikes that pass are
        not scaled.
    correction : bool
        At inference spikes are scaled by 1 - rate on their way to the next layer.

    Raises
    ------
    ValueError
        The rate is out of range.
    """

    rate: float = 0.0
    correction: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.rate!r}")

    def acts_on(self, layer: Layer) -> bool:
        """Return whether spikes of the layer are dropped while training."""
        return self.rate > 0 and layer.kind in ("conv", "dense")


class ReferenceModel(torch.nn.Module):
    """Spiking network with local losses, for batches, on any device.

    Parameters
    ----------
    network : Network
        Layers, blocks, classifiers; batch normalisation and residuals included.
    dropout : Dropout
    loss : Loss
    frozen : tuple of str
        Names of layers whose weights stay.

    Attributes
    ----------
    weights : torch.nn.ParameterList
        In the order of `Layer.hash_id`: (c_out, c_in, K, K), or (c_out, C·H·W) channels first.
        Zeros until `golden.reference.initialise` or `load_weights`. Random classifiers' have no
        gradient.
    norms : torch.nn.ModuleDict
        Batch normalisations by layer name. Their statistics are those of a batch over an interval.
    draw_mask : Masks
        Draws dropout masks; a test may replace it.

    Raises
    ------
    ValueError
        `frozen` names a layer that is none of the network's trainable ones.
    """

    def __init__(
        self,
        network: Network,
        *,
        dropout: Dropout = Dropout(),
        loss: Loss = Loss(),  # noqa: B008 - frozen
        frozen: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.network, self.dropout, self.loss = network, dropout, loss
        names = [layer.name for layer in network.weighted if layer.trainable]
        for name in frozen:
            if name not in names:
                raise ValueError(f"frozen must name layers among {', '.join(names)}, not {name!r}")
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter(
                torch.zeros(weight_shape(layer)),
                requires_grad=layer.trainable and layer.name not in frozen,
            )
            for layer in network.weighted
        )
        self.norms = torch.nn.ModuleDict(
            {
                layer.name: torch.nn.BatchNorm2d(layer.out_shape[2])
                for layer in network.weighted
                if layer.batch_norm
            }
        )
        for layer in network.weighted:
            if layer.batch_norm:  # sums of deviation u_th fire at a sensible rate
                torch.nn.init.constant_(self.norms[layer.name].weight, layer.lif.u_th)
        self.draw_mask: Masks = self._draw_mask
        self._carry: dict[int, torch.Tensor] = {}

    # ---- intervals ----------------------------------------------------------------------------

    def start(self) -> None:
        """Forget all states: the next interval is the first of its recordings."""
        self._carry = {}

    def train_interval(
        self, frames: torch.Tensor, labels: torch.Tensor, steps: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run an interval and add its gradients to the weights' ``grad``.

        Parameters
        ----------
        frames : torch.Tensor
            Frames of 0 and 1 of shape (k, B, C, H, W), or with direct encoding an image of
            0 .. 255 of shape (1, B, C, H, W); of any type.
        labels : torch.Tensor
            Classes, shape (B,).
        steps : int, optional
            k of this interval; the number of frames by default.

        Returns
        -------
        counts : torch.Tensor
            Spikes of the last block's classifier, shape (B, Nc).
        losses : torch.Tensor
            Loss of each block, shape (blocks,).
        """
        spikes, steps = self.prepare(frames, steps)
        weights = list(self.weights)
        losses = []
        for block in self.network.blocks:
            learning = {
                layer.hash_id: layer
                for layer in block.all_layers
                if layer.has_weights and weights[layer.hash_id].requires_grad
            }
            run = self._runner(block, spikes, steps, learn=True)
            counts, spikes = counts_of(run, learning, weights)
            loss = self.loss(counts, labels, steps)
            if loss.requires_grad:
                loss.backward()
            losses.append(loss.detach())
        return counts.detach(), torch.stack(losses)

    @torch.no_grad()
    def infer(self, frames: torch.Tensor, steps: int | None = None) -> torch.Tensor:
        """Run an interval without learning; return the counts as `train_interval` does."""
        spikes, steps = self.prepare(frames, steps)
        for block in self.network.blocks:
            run = self._runner(block, spikes, steps, learn=False)()
            spikes = run.spikes
        return run.counts

    def prepare(self, frames: torch.Tensor, steps: int | None) -> tuple[torch.Tensor, int]:
        """Return frames as bytes, or an image x as reals x/256, and the number of steps.

        Raises
        ------
        ValueError
            The shape is not the network's, or does not suit the encoding.
        """
        height, width, channels = self.network.input_shape
        direct = self.network.encoding == "direct"
        if frames.ndim != 5 or tuple(frames.shape[2:]) != (channels, height, width):
            raise ValueError(
                f"frames must have shape (k, B, {channels}, {height}, {width}), "
                f"not {tuple(frames.shape)}"
            )
        if direct and (len(frames) != 1 or steps is None):
            raise ValueError(
                f"frames of direct encoding must be one image, and steps be given, "
                f"not {len(frames)} images and steps {steps}"
            )
        if not direct and steps not in (None, len(frames)):
            raise ValueError(f"steps must be the number of frames {len(frames)}, not {steps}")
        if direct:
            return frames.to(self.weights[0].dtype) * PIXEL_SCALE, steps or 1
        return frames.to(torch.uint8), len(frames)

    def _runner(
        self, block: Block, spikes: torch.Tensor, steps: int, *, learn: bool
    ) -> Callable[[], BlockRun]:
        """Return a function that runs the block forward."""
        masks: Tensors = {}
        if self.training:
            for layer in filter(self.dropout.acts_on, block.layers):
                height, width, channels = layer.out_shape
                shape = (spikes.shape[1], channels, height, width)
                masks[layer.index] = self.draw_mask(layer, shape)
        below = block.layers[0].source
        factor = self._scale(self.network.resolved[below]) if below >= 0 else 1.0
        return lambda: BlockRun(
            block, list(self.weights), self.norms, spikes, factor, steps, self._carry, masks,
            self._scale, learn,
        )  # fmt: skip

    def _scale(self, layer: Layer) -> float:
        """Return the factor of a layer's spikes on their way to the next layer."""
        corrected = not self.training and self.dropout.correction and self.dropout.acts_on(layer)
        return 1 - self.dropout.rate if corrected else 1.0

    def _draw_mask(self, layer: Layer, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.rand(shape, device=self.weights[0].device) >= self.dropout.rate

    # ---- weights ------------------------------------------------------------------------------

    def load_weights(self, matrices: list[Any]) -> None:
        """Take weights as the golden models hold them, shape `Layer.weight_shape`.

        Raises
        ------
        ValueError
            Number or shapes are wrong.
        """
        layers = self.network.weighted
        shapes = [tuple(matrix.shape) for matrix in matrices]
        wanted = [layer.weight_shape for layer in layers]
        if shapes != wanted:
            raise ValueError(f"weights must have shapes {wanted}, not {shapes}")
        with torch.no_grad():
            for weight, matrix, layer in zip(self.weights, matrices, layers, strict=True):
                weight.copy_(from_matrix(torch.as_tensor(matrix), layer))

    def read_weights(self) -> list[Any]:
        """Return weights as the golden models hold them: numpy, shape `Layer.weight_shape`."""
        return [
            to_matrix(weight.detach(), layer).cpu().numpy()
            for weight, layer in zip(self.weights, self.network.weighted, strict=True)
        ]


def weight_shape(layer: Layer) -> tuple[int, ...]:
    """Return the shape of a layer's weights in torch: channels first."""
    if layer.kind == "conv":
        return (layer.out_shape[2], layer.in_shape[2], layer.kernel, layer.kernel)
    return (layer.out_shape[2], layer.rows)


def from_matrix(matrix: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return weights of `Layer.weight_shape` as torch's layers have them (`weight_shape`)."""
    if layer.kind == "conv":
        return matrix.T.reshape(weight_shape(layer))
    return matrix.T.reshape(-1, *layer.in_shape).permute(0, 3, 1, 2).reshape(weight_shape(layer))


def to_matrix(weight: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Undo `from_matrix`."""
    if layer.kind == "conv":
        return weight.reshape(len(weight), -1).T.contiguous()
    height, width, channels = layer.in_shape
    maps = weight.reshape(-1, channels, height, width).permute(0, 2, 3, 1)
    return maps.reshape(len(weight), -1).T.contiguous()
