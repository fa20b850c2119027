"""Dropout masks: one per interval, a hash of (seed, trained intervals, layer, neuron).

A dropped neuron's spikes do not reach the next layer, and in the backward pass its e counts as 0;
reset and gamma_{t+1} are not touched (paper, Dropout). As it is dropped for a whole interval its
gamma is 0 throughout, so that the same follows from a surrogate mask of 0: BACKWARD does not even
visit it. Spikes that pass are not scaled. At inference nothing is dropped, and the layer above sees
1/(1-p) times the spikes that it learned with; `Settings.dropout_correction` answers that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from golden.network import Layer, Network
from golden.random_bits import WORD, encrypt, round_keys
from golden.settings import DROPOUT_BITS as BITS
from golden.settings import Settings

CHANNELS_PER_WORD = 4
"""Neighbouring channels of a position that share one hash."""

POSITION_BITS = 7
"""Width of a row and of a column in the hash address [bits]."""

TAG = 0x80
"""Set in the address's layer number: tells these hashes from those of stochastic rounding."""

_QUARTER_BITS = 2


class KeepMasks:
    """Draws the masks of a run.

    Parameters
    ----------
    network : Network
    settings : Settings
        Rate and seed.
    """

    def __init__(self, network: Network, settings: Settings) -> None:
        self.settings = settings
        self._layers = [layer for layer in network.resolved if settings.drops(layer)]
        self._addresses = [_addresses(layer) for layer in self._layers]

    def draw(self, number: int) -> dict[int, NDArray[np.bool_]]:
        """Return the masks of one trained interval by `Layer.index`, shape `Layer.out_shape`."""
        keys = round_keys(self.settings.seed, number & 0xFFFFFFFF)
        masks = {}
        for layer, (x, y) in zip(self._layers, self._addresses, strict=True):
            low, high = encrypt(x, y, keys)  # type: ignore[arg-type]
            words = low.astype(np.uint32) | (high.astype(np.uint32) << np.uint32(WORD))
            channels = layer.out_shape[2]
            byte = np.stack([words >> np.uint32(BITS * i) for i in range(CHANNELS_PER_WORD)], -1)
            flat = (byte & np.uint32(0xFF)).reshape(*layer.out_shape[:2], -1)
            masks[layer.index] = flat[..., :channels] >= self.settings.dropout_code
        return masks


def _addresses(layer: Layer) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    height, width, channels = layer.out_shape
    y, x, four = np.indices((height, width, -(-channels // CHANNELS_PER_WORD)), dtype=np.uint16)
    low = y | x << POSITION_BITS | (four & 3) << (2 * POSITION_BITS)
    high = four >> _QUARTER_BITS | (layer.hash_id | TAG) << (WORD // 2)
    return low.astype(np.uint16), high.astype(np.uint16)
