"""The parts of the golden model one by one: corner values, errors, published vectors."""

import numpy as np
import pytest

from golden import gradient, lif, local_error, loss, synapse
from golden.formats import Formats
from golden.initialise import _fire, initialise
from golden.network import AvgPool, Conv, Dense, Network
from golden.neuron import Lif, LifCodes
from golden.qformat import QFormat
from golden.random_bits import encrypt, round_keys, rounding_words
from golden.settings import Settings
from golden.trace import Trace
from golden.trainer import GoldenModel
from tests.golden import cases
from tests.golden.scalar_model import speck_word

pytestmark = pytest.mark.unit


def test_speck_published_vector():
    """Speck32/64, Beaulieu et al. 2013, appendix C."""
    keys = round_keys(0x09080100, 0x19181110, 22)
    x, y = encrypt(np.array([0x6574]), np.array([0x694C]), keys)
    assert (int(x[0]), int(y[0])) == (0xA868, 0x42F2)


def test_speck_published_vector_of_the_scalar_reference():
    word = speck_word(0x09080100, 0x19181110, 0x69, 0x4C, 0x6574, rounds=22)
    assert word == 0xA868 | 0x42F2 << 16


@pytest.mark.parametrize("update", [0, 1, 0xFFFF, 0x10000, 2**32 - 1])
def test_random_words_of_a_network_are_those_of_each_layer(update):
    network = Network((5, 5, 3), (Conv(17, 3), Dense(40)), 33)
    drawn = gradient.RandomWords(network, seed=0xDEADBEEF).draw(update)
    keys = round_keys(0xDEADBEEF, update)
    for layer, words in zip(network.weighted, drawn, strict=True):
        expected = rounding_words(keys, layer.hash_id, layer.rows, layer.out_shape[2])
        assert np.array_equal(words, expected)


def test_random_words_of_updates_that_were_hashed_together_are_those_of_each():
    network = Network((5, 5, 3), (Conv(17, 3), Dense(40)), 33)
    together = gradient.RandomWords(network, seed=9)
    first = 2**32 - gradient.AHEAD // 2  # the number wraps on the way
    for update in [*range(first, first + 2 * gradient.AHEAD), first, 0]:
        alone = gradient.RandomWords(network, seed=9).draw(update)
        assert all(map(np.array_equal, together.draw(update), alone))
        wrapped = gradient.RandomWords(network, seed=9).draw(update % 2**32)
        assert all(map(np.array_equal, alone, wrapped))


def test_random_words_are_uniform_and_independent_between_neighbours():
    words = rounding_words(round_keys(5, 17), 3, 65536, 16)[:, 0]
    bits = (words[:, None] >> np.arange(32)) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.01  # 5 standard errors
    changed = (bits[1:] ^ bits[:-1]).mean(axis=0)
    assert np.abs(changed - 0.5).max() < 0.01


CODES = LifCodes(tau=205, theta=40, u_th=40, half_a=40, a=427, c0=205, c1=77)


def test_lif_corner_values():
    """Threshold is inclusive, the mask strict, the leak floors, saturation is symmetric."""
    limit = QFormat(8)
    drive = np.array([[39, 40, 0, 80, 79, -1, 1000, -1000]], dtype=np.int64)
    activity = lif.integrate(drive, np.zeros(8, np.int64), CODES, limit)
    assert activity.spikes[0].tolist() == [0, 1, 0, 1, 1, 0, 1, 0]
    assert activity.mask[0].tolist() == [1, 1, 0, 0, 1, 0, 0, 0]
    assert activity.carry.tolist() == [31, -8, 0, 24, 23, -1, 127, -127]
    assert activity.clipped == 2


@pytest.mark.parametrize("seed", range(5))
def test_lif_with_saturation_in_between_equals_one_step_at_a_time(seed):
    rng = np.random.default_rng(seed)
    drive = rng.integers(-300, 300, (9, 4, 5)).astype(np.int32)
    limit, carry = QFormat(8), np.zeros((4, 5), np.int64)
    whole = lif.integrate(drive, carry, CODES, limit)
    clipped = 0
    for t in range(len(drive)):
        step = lif.integrate(drive[t : t + 1], carry, CODES, limit)
        assert np.array_equal(step.u[0], whole.u[t])
        carry, clipped = step.carry, clipped + step.clipped
    assert clipped == whole.clipped > 0
    assert np.array_equal(carry, whole.carry)


def test_gamma_corner_values():
    error = np.array([[100, 100, -100], [0, 8, 8]], dtype=np.int64)
    mask = np.array([[1, 0, 1], [1, 1, 1]], dtype=bool)
    gamma, clipped = local_error.potential_errors(error, mask, CODES, QFormat(8))
    last = [0, 13, 13]  # (8 * 427 + 128) >> 8
    first = [127, (205 * 13 + 128) >> 8, -127]
    assert gamma.tolist() == [first, last]
    assert clipped == 2


def test_loss_rounds_half_up_and_saturates():
    counts = np.array([1, 3, 0])
    difference = loss.square_difference(counts, 0, 3)
    errors, clipped = loss.class_errors(difference, (6, 2), QFormat(4))
    assert errors.tolist() == [-3, 5, 0]  # (-12 + 2) >> 2, (18 + 2) >> 2
    assert clipped == 0
    errors, clipped = loss.class_errors(difference, (6, 0), QFormat(4))
    assert (errors.tolist(), clipped) == ([-7, 7, 0], 2)


def test_softmax_halves_per_octave_and_adds_up_to_one():
    assert loss.softmax(np.array([5, 4, 3]), 0).tolist() == [37449, 18724, 9362]  # 4 : 2 : 1
    assert loss.softmax(np.array([5, 3, 1]), 1).tolist() == [37449, 18724, 9362]
    assert loss.softmax(np.array([255, 0]), 0).tolist() == [65536, 0]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        counts = rng.integers(0, 30, int(rng.integers(2, 48)))
        softness = int(rng.integers(0, 4))
        exact = 2.0 ** (counts / 2**softness)
        shares = loss.softmax(counts, softness) / 2**loss.SHARE
        assert np.abs(shares - exact / exact.sum()).max() < 0.002, seed


def test_update_rounds_with_the_words_low_bits_and_shifts_left_exactly():
    weight = np.zeros((1, 3), np.int64)
    momentum = np.array([[5, -5, 8]])
    words = np.array([[0b1011]], dtype=np.uint32)
    assert gradient.update(weight, momentum, words, 2, QFormat(8)) == 0
    assert weight.tolist() == [[-2, 1, -2]]  # (V + 3) >> 2
    assert gradient.update(weight, momentum, words, -2, QFormat(5)) == 3
    assert weight.tolist() == [[-15, 15, -15]]


@pytest.mark.parametrize("q", range(-15, 32))
@pytest.mark.parametrize("width", [18, 30, 31, 32])
def test_update_is_exact_for_the_largest_v(width, q):
    limit, top = QFormat(24), 1 << (width - 1)
    dtype = gradient.momentum_dtype(QFormat(width))
    momentum = np.array([[top - 1, -top, 1, -1, 0]], dtype)
    start = np.array([[limit.maximum, limit.minimum, 0, limit.maximum, limit.minimum]], np.int32)
    weight = start.copy()
    word = 0xFFFFFFFF
    r = word & ((1 << q) - 1) if q > 0 else 0
    steps = [(int(v) + r) >> q if q > 0 else int(v) << -q for v in momentum[0]]
    wide = [int(w) - step for w, step in zip(start[0], steps, strict=True)]
    expected = [min(max(w, limit.minimum), limit.maximum) for w in wide]
    clipped = gradient.update(weight, momentum, np.array([[word]], np.uint32), q, limit)
    assert weight.tolist() == [expected]
    assert clipped == sum(w != e for w, e in zip(wide, expected, strict=True))


@pytest.mark.parametrize("width", [18, 30, 31, 32])
@pytest.mark.parametrize("added", [1 << 24, 1 << 31, -(1 << 40) - 1])
def test_gradient_is_exact_for_the_largest_v(width, added):
    top = 1 << (width - 1)
    momentum = np.array([[top - 1, -top, 0]], gradient.momentum_dtype(QFormat(width)))
    wide = [int(v) + added for v in momentum[0]]
    floats = np.full((1, 3), added, np.float32 if abs(added) <= 1 << 24 else np.float64)
    overflow = gradient.accumulate(momentum, floats, QFormat(width))
    assert momentum.tolist() == [[(v + top) % (2 * top) - top for v in wide]]
    assert overflow == any(not -top <= v < top for v in wide)


def test_decay_floors():
    momentum = np.array([9, -9, 7, -1])
    gradient.decay(momentum, 3)
    assert momentum.tolist() == [8, -7, 7, 0]
    gradient.decay(momentum, 0)
    assert momentum.tolist() == [0, 0, 0, 0]


def test_gradient_wraps_and_says_so():
    momentum = np.array([[500, -512, 3]])
    assert not gradient.accumulate(momentum, np.array([[11.0, 0.0, 0.0]]), QFormat(10))
    assert gradient.accumulate(momentum, np.array([[1.0, 0.0, 0.0]]), QFormat(10))
    assert momentum.tolist() == [[-512, -512, 3]]


def test_gradient_beyond_24_bits_is_exact():
    spikes = np.ones((5000, 2), np.float32)
    gamma = np.full((1, 50, 100, 1), 8191, np.int32)
    gamma[0, 0, 0, 0] = 8190
    assert gradient.interval_gradient(spikes, gamma, QFormat(14)).tolist() == [[40954999.0]] * 2


def test_exact_dtype_keeps_its_headroom():
    assert synapse.exact_dtype(1 << 24) is np.float32
    assert synapse.exact_dtype((1 << 24) + 1) is np.float64
    with pytest.raises(OverflowError, match="narrow the formats"):
        synapse.exact_dtype((1 << 53) + 1)
    with pytest.raises(OverflowError, match="narrow the formats"):
        lif.working_dtype(1 << 62)


@pytest.mark.parametrize("seed", range(3))
def test_pool_drops_odd_edges_forth_and_back(seed):
    rng = np.random.default_rng(seed)
    pool = Network((7, 5, 2), (Conv(3, 1), AvgPool(2)), 2).resolved[1]
    spikes = rng.random((2, 7, 5, 3)) < 0.5
    summed = synapse.pooled(spikes, pool, np.int64)
    assert summed.shape == (2, 3, 2, 3)
    assert summed[1, 2, 1, 0] == spikes[1, 4:6, 2:4, 0].sum()
    back = synapse.unpooled(np.ones((2, 3, 2, 3), np.int64), pool)
    assert back.shape == spikes.shape
    assert not back[:, 6].any()
    assert not back[:, :, 4].any()
    assert back.sum() == 2 * 6 * 4 * 3


def test_spread_is_the_transpose_of_inputs():
    """<W applied to x, g> = <x, W transposed applied to g>, for stride and padding."""
    rng = np.random.default_rng(0)
    for padding, stride, kernel in ((0, 1, 3), (2, 2, 3), (1, 2, 4), (0, 4, 2)):
        conv = Network((9, 8, 2), (Conv(3, kernel, padding, stride),), 2).resolved[0]
        x = rng.random((2, *conv.in_shape))
        g = rng.random((2, *conv.out_shape))
        w = rng.random(conv.weight_shape)
        out = synapse.inputs(x, conv, np.float64) @ w
        assert np.allclose((out.reshape(g.shape) * g).sum(), (synapse.spread(g, w, conv) * x).sum())


def test_initial_weights_fire_at_their_rates_and_repeat():
    network = Network((8, 8, 2), (Conv(6, 3, 1), AvgPool(2), Dense(30)), 4)
    rng = np.random.default_rng(0)
    recordings = [cases.random_frames(rng, network, 12, 0.2) for _ in range(5)]
    weights, codes = initialise(network, recordings, seed=3)
    again, _ = initialise(network, recordings, seed=3)
    other, _ = initialise(network, recordings, seed=4)
    for one, two, three in zip(weights, again, other, strict=True):
        assert np.array_equal(one, two)
        assert not np.array_equal(one, three)
    source = np.stack(recordings).astype(float)
    conv, classifier = network.resolved[0], network.resolved[2]
    drive = np.stack([synapse.inputs(x, conv, np.float64) @ weights[0] for x in source])
    fired = _fire(drive.reshape(5, 12, *conv.out_shape), conv)
    assert abs(fired.mean() - 0.10) < 0.01
    pool = network.resolved[1]
    drive = np.stack([synapse.pooled(x > 0, pool, float) / 4 for x in fired])
    pooled = _fire(drive, pool)
    drive = np.stack([synapse.inputs(x, classifier, np.float64) @ weights[1] for x in pooled])
    assert abs(_fire(drive, classifier).mean() - 0.05) < 0.02
    assert np.array_equal(codes[0], Formats().weight_format.quantize(weights[0]))


def test_initial_weights_of_images_fire_at_their_rates():
    """A pixel x counts as x/256: golden itself then fires at the rates that were asked for."""
    network = Network((8, 8, 1), (Conv(6, 3, 1), AvgPool(2), Dense(30)), 4, encoding="direct")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, *network.input_shape), dtype=np.uint8)
    frames = [np.broadcast_to(image, (12, *image.shape)) for image in images]
    _, codes = initialise(network, frames, seed=3)
    model = GoldenModel(network, settings=Settings(interval=12), weights=codes)
    rates = dict.fromkeys(("conv1", "fc2"), 0.0)
    for image in frames:
        trace = Trace()
        model.run_interval(image, 0, start=True, learn=False, trace=trace)
        for name in rates:
            rates[name] += trace[0, name, "s"].mean() / len(frames)
    assert all(abs(rate - 0.10) < 0.02 for rate in rates.values()), rates
    with pytest.raises(ValueError, match="all frames must be equal"):
        initialise(network, [*frames[1:], rng.integers(0, 256, frames[0].shape)])


def test_initial_weights_need_events():
    network = Network((4, 4, 1), (Dense(3),), 2)
    with pytest.raises(ValueError, match=r"fc1 fires at 0\.000 per step at most"):
        initialise(network, [np.zeros((5, 4, 4, 1), np.uint8)])
    with pytest.raises(ValueError, match="recordings must all have shape"):
        initialise(network, [np.zeros((5, 4, 4, 1)), np.zeros((6, 4, 4, 1))])


def test_constants_are_quantised_half_up():
    codes = Lif().codes(Formats(), pool_area=4)
    assert codes == LifCodes(tau=205, theta=1229, u_th=1229, half_a=1229, a=107, c0=205, c1=77)
