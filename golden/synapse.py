"""Connections between layers as matrices: which inputs reach which neuron, forth and back.

FORWARD multiplies the matrix of input spikes by the weights, GRADIENT its transpose by gamma,
BACKWARD gamma by the transposed weights. All steps of an interval go through one BLAS call.
Floating point carries exact integers here: `exact_dtype` picks a type whose mantissa holds every
partial sum.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.network import Layer

Array = NDArray[Any]


def exact_dtype(largest: int) -> type[np.float32] | type[np.float64]:
    """Return a floating type that holds every integer sum of magnitude up to `largest` exactly.

    Raises
    ------
    OverflowError
        `largest` needs more than the 53 bits of a float64.
    """
    if largest <= 1 << 24:
        return np.float32
    if largest <= 1 << 53:
        return np.float64
    raise OverflowError(
        f"sums up to {largest} exceed the 2**53 that float64 holds exactly: narrow the formats"
    )


def inputs(spikes: Array, layer: Layer, dtype: type) -> Array:
    """Return the matrix of inputs that each position of `layer` sees.

    Parameters
    ----------
    spikes : Array
        Spikes of the layer's source, shape (steps, H, W, C).
    layer : Layer
        A layer with weights.
    dtype : type
        Floating type of the result.

    Returns
    -------
    Array
        Shape (steps * out_height * out_width, rows), columns in the order of `Layer.weight_shape`.
    """
    steps, height, width, channels = spikes.shape
    if layer.kind != "conv":
        return spikes.reshape(steps, -1).astype(dtype)
    pad, kernel, stride = layer.padding, layer.kernel, layer.stride
    padded = np.zeros((channels, steps, height + 2 * pad, width + 2 * pad), dtype)
    padded[:, :, pad : pad + height, pad : pad + width] = spikes.transpose(3, 0, 1, 2)
    c_stride, t_stride, y_stride, x_stride = padded.strides
    out_height, out_width, _ = layer.out_shape
    windows: Array = np.ndarray(  # as_strided() takes ten times as long
        (channels, kernel, kernel, steps, out_height, out_width),
        padded.dtype,
        padded.data,
        strides=(c_stride, y_stride, x_stride, t_stride, y_stride * stride, x_stride * stride),
    )
    return windows.reshape(layer.rows, -1).T


def pooled(spikes: Array, layer: Layer, dtype: type) -> Array:
    """Return the sum of spikes in each window of an average pool; odd edges are dropped.

    Parameters
    ----------
    spikes : Array
        Shape (steps, H, W, C).
    layer : Layer
        The pool.
    dtype : type
        Type of the result, shape (steps, *out_shape).
    """
    w = layer.window
    height, width = layer.out_shape[0] * w, layer.out_shape[1] * w
    total = np.zeros((len(spikes), *layer.out_shape), np.uint8)
    for y in range(w):
        for x in range(w):
            total += spikes[:, y:height:w, x:width:w]
    return total.astype(dtype)


def unpooled(gamma: Array, layer: Layer) -> Array:
    """Copy a pool's errors to every neuron of its windows: zero for dropped odd edges.

    The 1/area of the mean is folded into the source layer's A (`Layer.pool_area`).

    Parameters
    ----------
    gamma : Array
        Shape (steps, *out_shape) of the pool `layer`.

    Returns
    -------
    Array
        Shape (steps, *in_shape).
    """
    w = layer.window
    height, width = layer.out_shape[0] * w, layer.out_shape[1] * w
    error = np.zeros((len(gamma), *layer.in_shape), gamma.dtype)
    for y in range(w):
        for x in range(w):
            error[:, y:height:w, x:width:w] = gamma
    return error


def spread(gamma: Array, weight: Array, layer: Layer) -> Array:
    """Return ``sum W * gamma`` at every neuron of the layer's source (paper Eq 4, first term).

    Parameters
    ----------
    gamma : Array
        Potential errors of `layer`, shape (steps, *out_shape), a floating type.
    weight : Array
        Shape `Layer.weight_shape`, the same type.

    Returns
    -------
    Array
        Shape (steps, *in_shape).
    """
    steps = len(gamma)
    products = gamma.reshape(-1, layer.out_shape[2]) @ weight.T
    if layer.kind != "conv":
        return products.reshape(steps, *layer.in_shape)
    height, width, channels = layer.in_shape
    out_height, out_width, _ = layer.out_shape
    pad, kernel, stride = layer.padding, layer.kernel, layer.stride
    products = products.reshape(steps, out_height, out_width, channels, kernel, kernel)
    padded = np.zeros((steps, height + 2 * pad, width + 2 * pad, channels), gamma.dtype)
    for y in range(kernel):
        rows = slice(y, y + stride * (out_height - 1) + 1, stride)
        for x in range(kernel):
            columns = slice(x, x + stride * (out_width - 1) + 1, stride)
            padded[:, rows, columns] += products[..., y, x]
    return padded[:, pad : pad + height, pad : pad + width]
