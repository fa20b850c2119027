"""Weights of random classifiers: a hash of (seed, classifier, feature, class), never stored.

A weight is ``scale * p`` with p of -3, -1, 1, 3 from two random bits. The scale is one number per
classifier, so that it fires at a sensible rate.
"""

from __future__ import annotations

import numpy as np

from golden.network import Layer
from golden.qformat import Int
from golden.random_bits import CHANNELS_PER_WORD, round_keys, rounding_words

KEY_UPDATE = 2**32 - 1
"""Takes the place of the trained intervals in the round keys: no run has as many."""

BITS = 2
"""Random bits of a weight."""

LARGEST = 3
"""Largest magnitude of the pattern p."""

RMS = 5**0.5
"""Root mean square of the pattern p."""

SCALE_BITS = 13
"""Width of the scale, unsigned: 3 * scale fits a 16-bit weight [bits]."""


def pattern(seed: int, layer: Layer) -> Int:
    """Return p of a random layer, shape `Layer.weight_shape`, values -3, -1, 1 and 3."""
    rows, channels = layer.weight_shape
    words = rounding_words(round_keys(seed, KEY_UPDATE), layer.hash_id, rows, channels)
    channel = np.arange(channels)
    word = words[:, channel // CHANNELS_PER_WORD]
    shift = BITS * (channel % CHANNELS_PER_WORD)
    return 2 * ((word >> shift) & (2**BITS - 1)) - LARGEST


def find_scale(seed: int, layer: Layer, weights: Int) -> int:
    """Return the scale of a random layer's weights.

    Raises
    ------
    ValueError
        The weights are not a multiple of the pattern, or the scale is out of range.
    """
    p = pattern(seed, layer)
    scale = int(weights.flat[0]) // int(p.flat[0])
    if not 0 <= scale < 1 << SCALE_BITS or not np.array_equal(p * scale, weights):
        raise ValueError(
            f"weights of {layer.name} are random: they must be the pattern of seed {seed} times a "
            f"scale of 0 to {2**SCALE_BITS - 1} (see golden.random_weights.pattern)"
        )
    return scale
