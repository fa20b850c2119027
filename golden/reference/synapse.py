"""Convolutions, dense layers and pools in torch that keep spikes as bytes for the backward pass.

All of them see the steps of an interval at once: shape (k, B, C, H, W).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional, grad

from golden.network import Layer

Grads = tuple[torch.Tensor | None, ...]


def _kept(spikes: torch.Tensor, binary: bool) -> torch.Tensor:
    """Return what a backward pass needs of a layer's input: bytes, or reals of an image."""
    return spikes.to(torch.uint8) if binary else spikes


class _Conv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, spikes: torch.Tensor, weight: torch.Tensor, layer: Layer, binary: bool
    ) -> torch.Tensor:
        ctx.save_for_backward(_kept(spikes, binary), weight)
        ctx.layer = layer
        return functional.conv2d(spikes, weight, stride=layer.stride, padding=layer.padding)

    @staticmethod
    def backward(ctx: Any, gamma: torch.Tensor) -> Grads:  # type: ignore[override]
        kept, weight = ctx.saved_tensors
        stride, padding = ctx.layer.stride, ctx.layer.padding
        error = change = None
        if ctx.needs_input_grad[0]:
            error = grad.conv2d_input(kept.shape, weight, gamma, stride, padding)
        if ctx.needs_input_grad[1]:
            spikes = kept.to(gamma.dtype)
            change = grad.conv2d_weight(spikes, weight.shape, gamma, stride, padding)
        return error, change, None, None


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, spikes: torch.Tensor, weight: torch.Tensor, binary: bool) -> torch.Tensor:
        ctx.save_for_backward(_kept(spikes, binary), weight)
        return spikes @ weight.t()

    @staticmethod
    def backward(ctx: Any, gamma: torch.Tensor) -> Grads:  # type: ignore[override]
        kept, weight = ctx.saved_tensors
        error = gamma @ weight if ctx.needs_input_grad[0] else None
        change = gamma.t() @ kept.to(gamma.dtype) if ctx.needs_input_grad[1] else None
        return error, change, None


class _Pool(torch.autograd.Function):
    """Mean of windows; odd edges are dropped. Keeps nothing but shapes."""

    @staticmethod
    def forward(ctx: Any, spikes: torch.Tensor, window: int) -> torch.Tensor:
        ctx.shape, ctx.window = spikes.shape, window
        images, _, height, width = spikes.shape
        rows, columns = height // window, width // window
        inner = spikes[:, :, : rows * window, : columns * window]
        parts = inner.reshape(images, -1, rows, window, columns * window)
        total = parts[:, :, :, 0] + parts[:, :, :, 1]
        for y in range(2, window):
            total += parts[:, :, :, y]
        parts = total.view(images, -1, rows, columns, window)
        total = parts[..., 0] + parts[..., 1]
        for x in range(2, window):
            total += parts[..., x]
        return total.mul_(1 / window**2)

    @staticmethod
    def backward(ctx: Any, gamma: torch.Tensor) -> Grads:  # type: ignore[override]
        window: int = ctx.window
        _, _, height, width = ctx.shape
        images, channels, rows, columns = gamma.shape
        wide = (gamma * (1 / window**2))[..., None].expand(-1, -1, -1, -1, window)
        wide = wide.reshape(images, channels, rows, 1, columns * window)
        error = wide.expand(-1, -1, -1, window, -1).reshape(
            images, channels, rows * window, columns * window
        )
        missing = (width - columns * window, height - rows * window)
        if any(missing):
            error = functional.pad(error, (0, missing[0], 0, missing[1]))
        return error, None


def drive(
    spikes: torch.Tensor, weight: torch.Tensor | None, layer: Layer, *, binary: bool
) -> torch.Tensor:
    """Return the synaptic sums of a layer.

    Parameters
    ----------
    spikes : torch.Tensor
        Shape (k, B, C, H, W) of the layer's `in_shape`.
    weight : torch.Tensor, optional
        Shape (c_out, c_in, K, K), or (c_out, C·H·W) of a dense layer; None for a pool.
    layer : Layer
        Geometry.
    binary : bool
        The values are small whole numbers and are kept as bytes for the backward pass.

    Returns
    -------
    torch.Tensor
        Shape (k, B, C, H, W) of the layer's `out_shape`; memory of its own.
    """
    steps, batch = spikes.shape[:2]
    images = spikes.flatten(0, 1)
    if weight is None:
        sums = _Pool.apply(images, layer.window)
    elif layer.kind == "conv":
        sums = _Conv.apply(images, weight, layer, binary)
    else:
        sums = _Dense.apply(images.flatten(1), weight, binary)
    height, width, channels = layer.out_shape
    return sums.reshape(steps, batch, channels, height, width)  # type: ignore[no-any-return]
