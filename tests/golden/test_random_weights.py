"""Random classifiers: their pattern, scale, and what never changes."""

import numpy as np
import pytest

from golden import random_weights
from golden.core_config import CoreConfig
from golden.initialise import initialise
from golden.layout import place
from golden.network import Conv, Dense, Network, lenet1_events
from golden.random_bits import encrypt, round_keys
from golden.settings import Settings
from golden.trainer import GoldenModel

NETWORK = Network((5, 5, 2), (Conv(3, 3), Dense(9)), 21, classifier="random")
CLASSIFIER = NETWORK.blocks[0].classifier


def test_pattern_is_the_hash_of_the_address():
    p = random_weights.pattern(7, CLASSIFIER)
    keys = round_keys(7, 2**32 - 1)
    for row, channel in ((0, 0), (3, 15), (3, 16), (26, 20)):
        x, y = encrypt(row, CLASSIFIER.hash_id << 8 | channel >> 4, keys)
        bits = (x | y << 16) >> 2 * (channel % 16) & 3
        assert p[row, channel] == (-3, -1, 1, 3)[bits]


def test_pattern_looks_random():
    layer = lenet1_events().blocks[0].classifier
    p = random_weights.pattern(1, layer)
    assert p.shape == (1176, 10)
    values, counts = np.unique(p, return_counts=True)
    assert values.tolist() == [-3, -1, 1, 3]
    np.testing.assert_allclose(counts / p.size, 0.25, atol=0.02)
    correlation = np.corrcoef(p.T) - np.eye(10)
    assert np.abs(correlation).max() < 0.13  # 4.5 standard errors of 1,176 pairs
    for seed, hash_id in ((2, 1), (1, 3)):
        other = random_weights.pattern(seed, lenet1_events().weighted[hash_id])[:84]
        assert (other != p[:84]).mean() > 0.6


def test_scale_is_found_and_checked():
    p = random_weights.pattern(1, CLASSIFIER)
    assert random_weights.find_scale(1, CLASSIFIER, p * 37) == 37
    assert random_weights.find_scale(1, CLASSIFIER, p * 0) == 0
    broken = p * 37
    broken[4, 2] += 1
    for weights in (broken, p * -5, p * 8192, random_weights.pattern(2, CLASSIFIER)):
        with pytest.raises(ValueError, match=r"classifier1 are random.*pattern of seed 1"):
            random_weights.find_scale(1, CLASSIFIER, weights)


def test_random_classifiers_never_change_and_need_no_rows():
    rng = np.random.default_rng(0)
    recordings = [(rng.random((4, 5, 5, 2)) < 0.4).astype(np.uint8) for _ in range(4)]
    weights, codes = initialise(NETWORK, recordings, run_seed=3, classifier_rate=0.1)
    settings = Settings(interval=2, error_fraction=13, rate_shift=1, seed=3)
    model = GoldenModel(NETWORK, settings=settings, weights=codes)
    for label, frames in enumerate(recordings):
        model.train_sample(frames, label)
    for layer in NETWORK.weighted:
        changed = not np.array_equal(model.weights[layer.hash_id], codes[layer.hash_id])
        assert changed == (not layer.random)
        assert np.any(model.momentum[layer.hash_id]) == (not layer.random)
        if layer.random:
            real = codes[layer.hash_id] * model.formats.weight_format.lsb
            np.testing.assert_allclose(weights[layer.hash_id], real, rtol=1e-12)
    layout = place(NETWORK, CoreConfig(), 2)
    assert layout.needs["weight_rows"] == 2 * 9 + 27  # 3x3x2 of the convolution, 3x3x3 features


def test_wrong_weights_and_kind_are_refused():
    wrong = [np.ones(layer.weight_shape, np.int64) for layer in NETWORK.weighted]
    with pytest.raises(ValueError, match="classifier1 are random"):
        GoldenModel(NETWORK, weights=wrong)
    with pytest.raises(ValueError, match=r"classifier must be one of .*, not 'frozen'"):
        Network((5, 5, 2), (Dense(9),), 4, classifier="frozen")
    assert Network.from_dict(NETWORK.to_dict()) == NETWORK
