"""Random bits keyed by address: the Speck32/64 round function cut to a few rounds.

Stochastic rounding needs bits that depend on what is rounded, never on when or on which lane.
They are a hash of (seed, trained intervals, layer, c_out >> 4, weight row). Round function and key
schedule are those of Speck32/64 (Beaulieu et al. 2013, "The SIMON and SPECK families of lightweight
block ciphers", IACR ePrint 2013/404): additions, rotations and XOR only, no multiplier. The full
cipher has 22 rounds; `ROUNDS` of them already decorrelate neighbouring addresses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golden.qformat import Int

ROUNDS = 8
"""Rounds the accelerator runs, one pipeline stage each."""

CHANNELS_PER_WORD = 16
"""Neighbouring output channels that share one random word."""

WORD = 16
_MASK = (1 << WORD) - 1
_ALPHA = 7
_BETA = 2


def _ror(value: Int, by: int) -> Int:
    return ((value >> by) | (value << (WORD - by))) & _MASK


def _rol(value: Int, by: int) -> Int:
    return ((value << by) | (value >> (WORD - by))) & _MASK


def round_keys(seed: int, update: int, rounds: int = ROUNDS) -> list[int]:
    """Return the round keys of one update.

    Parameters
    ----------
    seed : int
        Run seed, 32 bits: key words 0 (low half) and 1.
    update : int
        Number of the update, 32 bits: key words 2 (low half) and 3.
    rounds : int
        How many keys.
    """
    key = seed & _MASK
    rest = [seed >> 16 & _MASK, update & _MASK, update >> 16 & _MASK]
    keys = []
    for i in range(rounds):
        keys.append(key)
        rotated = (rest[0] >> _ALPHA | rest[0] << (WORD - _ALPHA)) & _MASK
        mixed = ((key + rotated) & _MASK) ^ i
        rest = [*rest[1:], mixed]
        key = ((key << _BETA | key >> (WORD - _BETA)) & _MASK) ^ mixed
    return keys


def encrypt(x: Int, y: Int, keys: list[int]) -> tuple[Int, Int]:
    """Apply one Speck32 round per key to the word pair (x, y), elementwise."""
    for key in keys:
        x = ((_ror(x, _ALPHA) + y) & _MASK) ^ key
        y = _rol(y, _BETA) ^ x
    return x, y


def encrypt_in_place(
    x: NDArray[np.uint16], y: NDArray[np.uint16], keys: NDArray[np.uint16]
) -> None:
    """Do what `encrypt` does to arrays of 16-bit words, three times as fast.

    Parameters
    ----------
    x, y : NDArray
        The word pairs, replaced by the result.
    keys : NDArray
        A row for each round, which broadcasts to x.
    """
    high = np.empty_like(x)
    for key in keys:
        np.left_shift(x, WORD - _ALPHA, out=high)
        np.right_shift(x, _ALPHA, out=x)
        np.bitwise_or(x, high, out=x)
        np.add(x, y, out=x)
        np.bitwise_xor(x, key, out=x)
        np.left_shift(y, _BETA, out=high)
        np.right_shift(y, WORD - _BETA, out=y)
        np.bitwise_or(y, high, out=y)
        np.bitwise_xor(y, x, out=y)


def rounding_words(keys: list[int], hash_id: int, rows: int, channels: int) -> Int:
    """Return the 32-bit random words of one layer's update.

    Parameters
    ----------
    keys : list of int
        From `round_keys`.
    hash_id : int
        The layer's number among those with weights, 8 bits.
    rows : int
        Weight rows per output group, at most 65,536.
    channels : int
        Output channels.

    Returns
    -------
    Int
        Shape (rows, ceil(channels / 16)); element (row, c) is ``x | y << 16`` of the encrypted
        pair x = row, y = hash_id << 8 | c.
    """
    words = -(-channels // CHANNELS_PER_WORD)
    row = np.arange(rows, dtype=np.int64)[:, None]
    tag = np.arange(words, dtype=np.int64)[None, :] | np.int64(hash_id << 8)
    x, y = np.broadcast_arrays(row, tag)
    x, y = encrypt(x, y, keys)
    return x | (y << np.int64(WORD))
