"""Gradient accumulation, update with stochastic rounding, and momentum decay (paper Eq 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.lif import Integers
from golden.network import Network
from golden.qformat import Int, QFormat
from golden.random_bits import CHANNELS_PER_WORD, WORD, encrypt, round_keys


def interval_gradient(inputs: NDArray[Any], gamma: Integers, limit: QFormat) -> NDArray[Any]:
    """Return ``sum over steps and positions of gamma x s`` exactly, as a float array.

    Parameters
    ----------
    inputs : NDArray
        Matrix of input spikes from `synapse.inputs`, shape (steps * positions, rows).
    gamma : Integers
        Potential errors, fraction f_e, shape (steps, height, width, c_out).
    limit : QFormat
        Format of gamma.

    Returns
    -------
    NDArray
        Shape (rows, c_out).

    Notes
    -----
    No partial sum exceeds a channel's sum of absolute gamma: where that is at most 2**24 a float32
    product is exact. Gamma has at most 24 bits and an interval at most 2**29 positions, so that a
    float64 product always is.
    """
    columns = gamma.reshape(-1, gamma.shape[-1])
    if len(columns) >= 1 << 29:
        raise OverflowError(f"an interval has at most 2**29 positions, not {len(columns)}")
    largest = float(len(columns) * limit.maximum)
    if largest > 1 << 24:
        largest = float(np.abs(columns).sum(axis=0, dtype=np.float64).max())
    dtype = np.float32 if inputs.dtype == np.float32 and largest <= 1 << 24 else np.float64
    product: NDArray[Any] = inputs.T.astype(dtype, copy=False) @ columns.astype(dtype)
    return product


def accumulate(momentum: Int, added: NDArray[Any], limit: QFormat) -> bool:
    """Add a gradient to V in place; V wraps to its format.

    Parameters
    ----------
    momentum : Int
        V, fraction f_e, shape (rows, c_out).
    added : NDArray
        Exact integers as floats, the same shape.
    limit : QFormat
        Format of V.

    Returns
    -------
    bool
        Whether a sum left the two's-complement range and was wrapped.
    """
    momentum += added.astype(np.int64)
    if not momentum.size:
        return False
    if int(momentum.max()) <= limit.maximum and int(momentum.min()) >= limit.minimum - 1:
        return False
    momentum[...] = limit.wrap(momentum)
    return True


def update(weight: Int, momentum: Int, words: NDArray[Any] | Int, q: int, limit: QFormat) -> int:
    """Subtract V from W in place, rounding stochastically; return how many weights were clipped.

    ``W <- sat(W - ((V + r) >> q))`` with r uniform in 0 .. 2**q - 1; q <= 0 shifts left exactly.

    Parameters
    ----------
    weight, momentum : Int
        W (fraction f_w) and V (fraction f_e), shape (rows, c_out).
    words : NDArray
        Random words from `RandomWords`, shape (rows, ceil(c_out / 16)).
    q : int
        From `Settings.update_shift`.
    limit : QFormat
        Format of W.
    """
    if q <= 0:
        step = momentum << np.int64(-q)
    else:
        channels = weight.shape[1]
        r = (words & words.dtype.type((1 << q) - 1)).astype(np.int64)
        if channels > CHANNELS_PER_WORD:
            r = r[:, np.arange(channels) // CHANNELS_PER_WORD]
        step = momentum + r
        step >>= q
    weight -= step
    if int(weight.max()) <= limit.maximum and int(weight.min()) >= limit.minimum:
        return 0
    limited, clipped = limit.saturate(weight)
    weight[...] = limited
    return clipped


def decay(momentum: Int, shift: int) -> None:
    """Decay V in place after an update: ``V - (V >> d)`` for d > 0, else 0."""
    if shift:
        momentum -= momentum >> shift
    else:
        momentum[...] = 0


class RandomWords:
    """Random words of a whole network's update, hashed in one go.

    The same words as `random_bits.rounding_words`, layer by layer; addresses are kept and 16-bit
    arithmetic wraps by itself.

    Parameters
    ----------
    network : Network
        Supplies the layers with weights.
    seed : int
        Run seed, 32 bits.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.seed = seed
        rows, tags = [], []
        self._cuts: list[tuple[int, int, int, int]] = []
        begin = 0
        for layer in network.weighted:
            words = -(-layer.out_shape[2] // CHANNELS_PER_WORD)
            rows.append(np.repeat(np.arange(layer.rows, dtype=np.uint16), words))
            tags.append(np.tile(np.arange(words, dtype=np.uint16), layer.rows))
            tags[-1] |= np.uint16(layer.hash_id << 8)
            end = begin + layer.rows * words
            self._cuts.append((begin, end, layer.rows, words))
            begin = end
        self._rows, self._tags = np.concatenate(rows), np.concatenate(tags)

    def draw(self, update_number: int) -> list[NDArray[np.uint32]]:
        """Return the words of one update, per layer with shape (rows, ceil(c_out / 16))."""
        keys = round_keys(self.seed, update_number & 0xFFFFFFFF)
        x, y = encrypt(self._rows, self._tags, keys)  # type: ignore[arg-type]
        words = x.astype(np.uint32) | (y.astype(np.uint32) << np.uint32(WORD))
        return [words[begin:end].reshape(rows, count) for begin, end, rows, count in self._cuts]
