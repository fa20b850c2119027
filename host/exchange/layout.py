"""Weights and sizes in the layout of NIR and torch, channels first, and in ours, channels last."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.network import Conv, Shape
from host.exchange.files import ExchangeError

Float = NDArray[np.float64]


def real(value: Any) -> Float:
    """Return an array, or a tensor of torch, as float64."""
    return np.asarray(value, dtype=np.float64)


def conv_rows(kernels: Float) -> Float:
    """Return (out, in, ky, kx) as rows (in * K + ky) * K + kx and columns out."""
    return kernels.reshape(len(kernels), -1).T


def conv_kernels(rows: NDArray[Any], channels: int, kernel: int) -> NDArray[Any]:
    """Return what `conv_rows` takes."""
    return rows.T.reshape(-1, channels, kernel, kernel).copy()


def dense_rows(weight: Float, shape: Shape) -> Float:
    """Return (out, features) as rows (y * W + x) * C + c and columns out.

    Parameters
    ----------
    weight : Float
        Features (c * H + y) * W + x.
    shape : Shape
        H, W and C.
    """
    height, width, channels = shape
    last = weight.reshape(-1, channels, height, width).transpose(2, 3, 1, 0)
    return last.reshape(-1, len(weight))


def dense_weight(rows: NDArray[Any], shape: Shape) -> NDArray[Any]:
    """Return what `dense_rows` takes."""
    first = rows.reshape(*shape, -1).transpose(3, 2, 0, 1)
    return first.reshape(len(first), -1).copy()


def widened(rows: Float, conv: Conv, window: int) -> Float:
    """Return the rows of a convolution and the mean of `window` x `window` of its outputs in one.

    The mean of outputs a stride apart is that of kernels a stride apart.
    """
    size, step = conv.kernel, conv.stride
    larger = size + (window - 1) * step
    kernels = rows.reshape(-1, size, size, conv.channels)
    wide = np.zeros((len(kernels), larger, larger, conv.channels))
    for y in range(0, window * step, step):
        for x in range(0, window * step, step):
            wide[:, y : y + size, x : x + size] += kernels / window**2
    return wide.reshape(-1, conv.channels)


def padding(name: str, value: Any, kernel: int, stride: int) -> int:
    """Return the padding that a Conv2d has as a number, a pair or by name.

    Raises
    ------
    ExchangeError
        It is not the same on all sides.
    """
    if isinstance(value, str) and value == "same":
        if kernel % 2 == 0 or stride != 1:
            raise ExchangeError(
                f"padding 'same' needs an odd kernel and stride 1, not {kernel} and {stride}", name
            )
        return kernel // 2
    return 0 if isinstance(value, str) else one_size(name, "padding", value)


def one_size(name: str, what: str, value: Any) -> int:
    """Return a size that must be the same along both axes.

    Raises
    ------
    ExchangeError
        It is not.
    """
    found = {int(size) for size in np.ravel(value)}
    if len(found) != 1:
        raise ExchangeError(f"{what} must be the same along both axes, not {sizes(value)}", name)
    return found.pop()


def sizes(value: Any) -> str:
    """Return sizes as text, such as ``2x2``."""
    return "x".join(str(int(size)) for size in np.ravel(value))
