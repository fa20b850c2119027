"""Convolutions, dense layers and pools in torch, forward, back to their inputs and to weights.

All of them see several steps at once: shape (t, B, C, H, W).
"""

from __future__ import annotations

import torch
from torch.nn import functional, grad

from golden.network import Layer


def sums(spikes: torch.Tensor, weight: torch.Tensor | None, layer: Layer) -> torch.Tensor:
    """Return the synaptic sums of a layer, W·s.

    Parameters
    ----------
    spikes : torch.Tensor
        Shape (t, B, C, H, W) of the layer's `in_shape`.
    weight : torch.Tensor, optional
        Shape (c_out, c_in, K, K), or (c_out, C·H·W) of a dense layer; None for a pool.
    layer : Layer
        Geometry.

    Returns
    -------
    torch.Tensor
        Shape (t, B, C, H, W) of the layer's `out_shape`; memory of its own.
    """
    images = spikes.flatten(0, 1)
    if weight is None:
        made = _pool(images, layer.window)
    elif layer.kind == "conv":
        made = functional.conv2d(images, weight, stride=layer.stride, padding=layer.padding)
    else:
        made = images.flatten(1) @ weight.t()
    height, width, channels = layer.out_shape
    return made.reshape(*spikes.shape[:2], channels, height, width)


def spread(gamma: torch.Tensor, weight: torch.Tensor | None, layer: Layer) -> torch.Tensor:
    """Return the errors e of a layer's inputs, the first term of Eq (4).

    Parameters
    ----------
    gamma : torch.Tensor
        Shape (t, B, C, H, W) of the layer's `out_shape`.
    weight, layer
        As for `sums`.
    """
    images = gamma.flatten(0, 1)
    height, width, channels = layer.in_shape
    shape = (len(images), channels, height, width)
    if weight is None:
        made = _unpool(images, layer.window, height, width)
    elif layer.kind == "conv":
        made = grad.conv2d_input(shape, weight, images, layer.stride, layer.padding)
    else:
        made = (images.flatten(1) @ weight).reshape(shape)
    return made.unflatten(0, gamma.shape[:2])


def change(spikes: torch.Tensor, gamma: torch.Tensor, layer: Layer) -> torch.Tensor:
    """Return the gradient of a layer's weights, Eq (7), summed over steps and recordings.

    Parameters
    ----------
    spikes, gamma : torch.Tensor
        Inputs and potential errors of the same steps.
    layer : Layer
        Geometry.
    """
    images, errors = spikes.flatten(0, 1), gamma.flatten(0, 1)
    if layer.kind == "conv":
        shape = (layer.out_shape[2], layer.in_shape[2], layer.kernel, layer.kernel)
        return grad.conv2d_weight(images, shape, errors, layer.stride, layer.padding)
    return errors.flatten(1).t() @ images.flatten(1)


def _pool(images: torch.Tensor, window: int) -> torch.Tensor:
    """Return the means of windows; odd edges are dropped."""
    number, _, height, width = images.shape
    rows, columns = height // window, width // window
    inner = images[:, :, : rows * window, : columns * window]
    parts = inner.reshape(number, -1, rows, window, columns * window)
    total = parts[:, :, :, 0] + parts[:, :, :, 1]
    for y in range(2, window):
        total += parts[:, :, :, y]
    parts = total.view(number, -1, rows, columns, window)
    total = parts[..., 0] + parts[..., 1]
    for x in range(2, window):
        total += parts[..., x]
    return total.mul_(1 / window**2)


def _unpool(gamma: torch.Tensor, window: int, height: int, width: int) -> torch.Tensor:
    """Return each window's share for its inputs, 0 at dropped edges."""
    number, channels, rows, columns = gamma.shape
    wide = (gamma * (1 / window**2))[..., None].expand(-1, -1, -1, -1, window)
    wide = wide.reshape(number, channels, rows, 1, columns * window)
    error = wide.expand(-1, -1, -1, window, -1).reshape(
        number, channels, rows * window, columns * window
    )
    missing = (width - columns * window, height - rows * window)
    return functional.pad(error, (0, missing[0], 0, missing[1])) if any(missing) else error
