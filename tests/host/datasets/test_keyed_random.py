import numpy as np
import pytest

from host.datasets.keyed_random import keyed_bits, keyed_normal, keyed_order, keyed_uniform

pytestmark = pytest.mark.unit


def splitmix64(state, count):
    mask = (1 << 64) - 1
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


def test_without_a_key_it_is_splitmix64_from_state_zero():
    # The first output for state 0 is a published test value.
    assert int(keyed_bits(1)[0]) == 0xE220A8397B1DCDAF
    assert [int(v) for v in keyed_bits(50)] == list(splitmix64(0, 50))


def test_values_depend_on_key_only_and_not_on_count():
    assert np.array_equal(keyed_bits(10, 1, 2), keyed_bits(30, 1, 2)[:10])
    assert int(keyed_bits(1, -5)[0]) == int(keyed_bits(1, 2**64 - 5)[0])
    keys = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (-1,)]
    assert len({int(keyed_bits(1, *key)[0]) for key in keys}) == len(keys)


def test_uniform_has_mean_and_variance_of_a_uniform():
    value = keyed_uniform(100_000, 3)
    assert value.min() >= 0
    assert value.max() < 1
    assert abs(value.mean() - 0.5) < 0.005
    assert abs(value.var() - 1 / 12) < 0.001


def test_normal_has_mean_and_variance_of_a_normal():
    value = keyed_normal(50_000, 4)
    assert abs(value.mean()) < 0.02
    assert abs(value.var() - 1) < 0.02
    assert np.abs(value).max() <= 6


def test_order_is_a_permutation_that_changes_with_the_key():
    order = keyed_order(500, 7)
    assert sorted(order) == list(range(500))
    assert not np.array_equal(order, keyed_order(500, 8))
