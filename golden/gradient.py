"""Gradient accumulation, update with stochastic rounding, and momentum decay (paper Eq 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.lif import Integers
from golden.network import Network
from golden.qformat import QFormat
from golden.random_bits import CHANNELS_PER_WORD, WORD, encrypt_in_place, round_keys

NARROW = 30
"""Widest V, and largest shift of the update, that int32 has room for [bits]."""

AHEAD = 8
"""Updates whose random words are hashed together."""


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


def momentum_dtype(limit: QFormat) -> type[np.int32] | type[np.int64]:
    """Return the integer type of V: int32 up to 30 bits, which takes half the time of int64.

    Then V plus a float32's exact integer (24 bits) or plus 30 random bits cannot overflow it.
    """
    return np.int32 if limit.width <= NARROW else np.int64


def accumulate(momentum: Integers, added: NDArray[Any], limit: QFormat) -> bool:
    """Add a gradient to V in place; V wraps to its format.

    Parameters
    ----------
    momentum : Integers
        V, fraction f_e, shape (rows, c_out), of `momentum_dtype`.
    added : NDArray
        Exact integers as floats, the same shape; in a float32 at most 2**24.
    limit : QFormat
        Format of V.

    Returns
    -------
    bool
        Whether a sum left the two's-complement range and was wrapped.
    """
    if not momentum.size:
        return False
    narrow = added.dtype == np.float32
    total = momentum + added.astype(momentum.dtype if narrow else np.int64)
    inside = int(total.max()) <= limit.maximum and int(total.min()) >= limit.minimum - 1
    momentum[...] = total if inside else limit.wrap(total.astype(np.int64))
    return not inside


def update(
    weight: Integers, momentum: Integers, words: NDArray[Any], q: int, limit: QFormat
) -> int:
    """Subtract V from W in place, rounding stochastically; return how many weights were clipped.

    ``W <- sat(W - ((V + r) >> q))`` with r uniform in 0 .. 2**q - 1; q <= 0 shifts left exactly.

    Parameters
    ----------
    weight, momentum : Integers
        W (fraction f_w) and V (fraction f_e), shape (rows, c_out).
    words : NDArray
        Random words from `RandomWords`, shape (rows, ceil(c_out / 16)).
    q : int
        From `Settings.update_shift`.
    limit : QFormat
        Format of W.
    """
    if not 0 <= q <= NARROW:
        momentum = momentum.astype(np.int64)
    if q <= 0:
        step = momentum << np.int64(-q) if q else momentum
    else:
        channels = weight.shape[1]
        r = (words & words.dtype.type((1 << q) - 1)).astype(momentum.dtype)
        if channels > CHANNELS_PER_WORD:
            r = r[:, np.arange(channels) // CHANNELS_PER_WORD]
        step = momentum + r
        step >>= q
    limited, clipped = limit.saturate(weight - step)
    weight[...] = limited
    return clipped


def decay(momentum: Integers, shift: int, to_zero: bool = False) -> None:
    """Decay V in place after an update: ``V - (V >> d)`` for d > 0, else 0.

    The floor leaves V of 0 .. 2**d - 1 as it is; with `to_zero` the shift rounds away from 0, so
    that V of either sign loses at least 1: ``V - ((V + 2**d - 1) >> d)`` for V > 0.
    """
    if shift and to_zero:
        momentum -= (momentum + (momentum > 0) * momentum.dtype.type((1 << shift) - 1)) >> shift
    elif shift:
        momentum -= momentum >> shift
    else:
        momentum[...] = 0


class RandomWords:
    """Random words of a whole network's updates, several hashed in one go.

    The same words as `random_bits.rounding_words`, layer by layer. Keys and addresses alone make
    them, so those of the next updates are made ahead: numpy is faster on longer arrays.

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
        self._ahead: dict[int, NDArray[np.uint32]] = {}

    def draw(self, number: int) -> list[NDArray[np.uint32]]:
        """Return the words of one update, per layer with shape (rows, ceil(c_out / 16))."""
        if number not in self._ahead:
            numbers = range(number, number + AHEAD)
            keys = [round_keys(self.seed, number & 0xFFFFFFFF) for number in numbers]
            self._ahead = dict(zip(numbers, self._hash(keys), strict=True))
        words = self._ahead[number]
        return [words[begin:end].reshape(rows, count) for begin, end, rows, count in self._cuts]

    def _hash(self, keys: list[list[int]]) -> NDArray[np.uint32]:
        """Return a row of words for each list of round keys; 16-bit arithmetic wraps by itself."""
        each_round = np.array(keys, np.uint16).T[:, :, None]
        shape = (len(keys), len(self._rows))
        x, y = (np.broadcast_to(part, shape).copy() for part in (self._rows, self._tags))
        encrypt_in_place(x, y, each_round)
        return x | y.astype(np.uint32) << np.uint32(WORD)
