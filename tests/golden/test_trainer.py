import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden import trainer
from golden.counters import Counters
from golden.formats import Formats
from golden.initialise import initialise
from golden.network import AvgPool, Conv, Dense, Network
from golden.neuron import Lif
from golden.reference.recursion import FloatModel
from golden.settings import Settings
from golden.trace import Trace
from golden.trainer import GoldenModel
from tests.golden import cases
from tests.golden.scalar_model import ScalarModel

pytestmark = pytest.mark.unit


def check_against_scalar(seed, formats, steps=None, k=None, n=None):
    rng = np.random.default_rng(seed)
    network = cases.random_network(rng, n)
    steps = int(rng.integers(1, 7)) if steps is None else steps
    options = cases.random_settings(rng, network, steps, k)
    weights = cases.random_weights(rng, network, formats)
    labels = rng.integers(0, network.classes, 2)
    recordings = [(int(y), cases.random_frames(rng, network, steps)) for y in labels]
    lanes, pack_max = ((1, 0), (2, 0), (4, 1), (16, 0), (16, 2), (16, 3))[rng.integers(6)]
    found = cases.compare(network, formats, options, weights, recordings, lanes, pack_max)
    assert not found, f"seed {seed}: {found}; {json.dumps(network.to_dict())}, {options}"


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("formats", [Formats(), cases.NARROW], ids=["default", "narrow"])
def test_golden_equals_scalar_step_major_reference(seed, formats):
    check_against_scalar(seed, formats)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_golden_equals_scalar_reference_for_every_k_and_n(k, n):
    check_against_scalar(100 + n, cases.NARROW, steps=5, k=k, n=n)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), narrow=st.booleans())
def test_golden_equals_scalar_reference_on_drawn_networks(seed, narrow):
    check_against_scalar(seed, cases.NARROW if narrow else Formats())


NETWORK = Network((6, 6, 2), (Conv(4, 3, 1), AvgPool(2), Dense(12)), 3, 2)


def small(seed=4, density=0.3, steps=6, network=NETWORK, **options):
    rng = np.random.default_rng(seed)
    chosen = Settings(**{"interval": 3, "error_fraction": 12, "rate_shift": 2, **options})
    weights = cases.random_weights(rng, network, Formats())
    model = GoldenModel(network, Formats(), chosen, weights)
    return model, cases.random_frames(rng, network, steps, density), weights


def state(model):
    return [*model.weights, *model.momentum, *model.carry]


def test_accumulation_over_several_intervals_equals_the_scalar_reference():
    model, frames, weights = small(momentum_shift=2)
    scalar = ScalarModel(NETWORK, model.formats, model.settings, weights)
    for step in range(6):
        part, update = frames[step : step + 1], step in (2, 5)
        model.run_interval(part, 1, start=step == 0, learn=True, update=update)
        scalar.run_interval(part, 1, step == 0, True, update=update)
        assert not cases.difference(model, scalar)
    assert model.trained_intervals == 6


@pytest.mark.parametrize(("k", "same"), [(1, True), (2, False)])
def test_no_temporal_term_remains_at_k_1(k, same, monkeypatch):
    """C_0 and C_1 weigh gamma of the step after: with one step per interval there is none."""
    ends = []
    for c0, c1 in ((None, None), (11, -99)):

        def codes(layer, formats, c0=c0, c1=c1, original=trainer.checked_codes):
            made = original(layer, formats)
            return made if c0 is None else replace(made, c0=c0, c1=c1)

        with monkeypatch.context() as patch:
            patch.setattr(trainer, "checked_codes", codes)
            network = replace(NETWORK, block_length=1)
            model, frames, weights = small(network=network, interval=k, error_fraction=10)
        model.train_sample(frames, 1)
        ends.append(state(model))
    equal = [np.array_equal(one, other) for one, other in zip(*ends, strict=True)]
    assert all(equal) == same
    assert not np.array_equal(ends[0][0], weights[0])  # it did learn


def test_without_learning_only_the_membranes_change():
    model, frames, weights = small()
    before = [array.copy() for array in state(model)]
    counters = Counters(4)
    model.run_interval(frames, 0, start=True, learn=False, counters=counters)
    for i, (was, now) in enumerate(zip(before, state(model), strict=True)):
        unchanged = i < 2 * len(weights)
        assert np.array_equal(was, now) == unchanged
    assert model.trained_intervals == 0
    assert {phase for _, phase in counters.operations} == {"forward", "pool"}


@pytest.mark.parametrize(
    ("lanes", "pack_max", "text"),
    [
        (12, 0, "lanes must be 0 or a power of two, not 12"),
        (-4, 0, "lanes must be 0 or a power of two, not -4"),
        (8, 3, "pack_max must leave 2 of 8 lanes a position, not 3"),
        (8, -1, "pack_max must leave 2 of 8 lanes a position, not -1"),
    ],
)
def test_counters_refuse_lanes_that_no_core_has(lanes, pack_max, text):
    with pytest.raises(ValueError, match=text):
        Counters(lanes, pack_max)


@pytest.mark.parametrize("k", [1, 4, 6])
def test_evaluation_does_not_depend_on_k_and_starts_from_rest(k):
    model, frames, _ = small(interval=k)
    first = model.class_counts(frames)
    model.run_interval(frames, 0, start=False, learn=False)
    assert np.array_equal(model.class_counts(frames), first)
    summed = sum(
        model.run_interval(frames[t : t + k], 0, start=t == 0, learn=False) for t in range(0, 6, k)
    )
    assert np.array_equal(summed, first)


def test_evaluation_of_more_steps_than_a_count_holds():
    model, frames, _ = small(steps=9)
    expected = model.class_counts(frames)
    model.formats = replace(model.formats, count=2)
    assert np.array_equal(model.class_counts(frames), expected)


def test_prediction_takes_the_lowest_class_of_a_tie():
    model, frames, _ = small()
    assert model.predict(np.zeros_like(frames)) == 0


def test_trace_holds_every_state_and_survives_its_file(tmp_path):
    model, frames, _ = small()
    trace = Trace()
    model.train_sample(frames, 1, trace=trace)
    assert trace.intervals == 2
    assert len(trace.keys()) == 2 * (4 * 6 + 3 * 3)
    codes = NETWORK.resolved[0].lif.codes(model.formats, 4)
    u, s = (trace[1, "conv1", name].astype(np.int64) for name in ("u", "s"))
    assert np.array_equal(s, u >= codes.u_th)
    assert np.array_equal(trace[1, "conv1", "carry"], (codes.tau * u >> 8) - codes.theta * s)
    assert np.array_equal(trace[1, "conv1", "carry"][-1], model.carry[0])
    assert np.array_equal(trace[1, "fc2", "W"], model.weights[1])
    e, h = trace[0, "conv1", "e"], trace[0, "conv1", "h"]
    assert e.any()
    assert not e[h == 0].any()
    trace.save(tmp_path / "trace.npz")
    again = Trace.load(tmp_path / "trace.npz")
    assert again.keys() == trace.keys()
    assert again.intervals == 2
    for key in trace.keys():  # noqa: SIM118
        assert np.array_equal(again[key], trace[key])
    assert (5, "conv1", "u") not in trace
    with pytest.raises(KeyError, match=r"the trace holds no \(5, 'conv1', 'u'\)"):
        trace[5, "conv1", "u"]


def test_trace_and_counters_change_nothing():
    plain, frames, _ = small()
    watched, _, _ = small()
    plain.train_sample(frames, 2)
    watched.train_sample(frames, 2, trace=Trace(), counters=Counters(16))
    for one, two in zip(state(plain), state(watched), strict=True):
        assert np.array_equal(one, two)


def test_gradient_overflow_raises_or_wraps_with_a_flag():
    strict, frames, weights = small()
    loose = GoldenModel(NETWORK, strict.formats, strict.settings, weights, strict=False)
    limit = 1 << (strict.formats.gradient - 1)
    for model in (strict, loose):
        for momentum in model.momentum:
            momentum[:, ::2] = limit - 1
            momentum[:, 1::2] = -limit
    with pytest.raises(OverflowError, match=r"left its 18 bits: widen Formats\.gradient"):
        strict.run_interval(frames, 1, start=True, learn=True)
    loose.run_interval(frames, 1, start=True, learn=True, update=False)
    assert strict.gradient_overflow
    assert loose.gradient_overflow
    wrapped = np.concatenate([v[:, ::2].ravel() for v in loose.momentum])
    assert wrapped.max() < limit
    assert wrapped.min() < 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"coefficient": 10, "lif": Lif(a=0.2)}, "coefficient a of fc1 must lie within +-511"),
        ({"state": 18}, "the sum of fc1 needs 21 bits, Formats.state has 18"),
        ({"weight_fraction": 4, "forward_shift": 1, "pool": 4}, "pool1 needs 4 fractional bits"),
    ],
)
def test_network_that_does_not_suit_the_formats(change, message):
    change = dict(change)
    lif, pool = change.pop("lif", Lif()), change.pop("pool", 0)
    layers = (Conv(2, 1), AvgPool(pool)) if pool else (Dense(3),)
    network = Network((4, 4, 4), layers, 2, lif=lif)
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        GoldenModel(network, replace(Formats(), **change), Settings())


@pytest.mark.parametrize(
    ("frames", "label", "message"),
    [
        (np.zeros((2, 6, 6, 1)), 0, r"frames must have shape \(steps, 6, 6, 2\)"),
        (np.zeros((0, 6, 6, 2)), 0, "with steps >= 1"),
        (np.full((1, 6, 6, 2), 2), 0, "frames must hold 0 and 1 only, not 2 to 2"),
        (np.zeros((256, 6, 6, 2)), 0, "256 steps overflows the 8 bit class counts"),
        (np.zeros((1, 6, 6, 2)), 3, r"label must be in 0\.\.2, not 3"),
    ],
)
def test_wrong_interval_leaves_the_model_intact(frames, label, message):
    model, good, _ = small()
    model.run_interval(good, 0, start=True, learn=True)
    before = [array.copy() for array in state(model)]
    with pytest.raises(ValueError, match=message):
        model.run_interval(frames.astype(np.uint8), label, start=True, learn=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, state(model), strict=True))


def test_wrong_weights():
    model, _, weights = small()
    with pytest.raises(ValueError, match="weights must hold 3 arrays, not 1"):
        model.load_weights(weights[:1])
    with pytest.raises(ValueError, match=r"weights of conv1 must have shape \(18, 4\)"):
        model.load_weights([weights[0].T, *weights[1:]])
    with pytest.raises(ValueError, match=r"weights of conv1 must lie within \+-32767"):
        model.load_weights([weights[0] - 40000, *weights[1:]])
    with pytest.raises(TypeError, match="weights of conv1 must be integer codes"):
        model.load_weights([weights[0].astype(float), *weights[1:]])
    with pytest.raises(ValueError, match="weights must have shapes"):
        FloatModel(NETWORK, Settings(), [])


def test_evaluate_needs_samples():
    model, _, _ = small()
    with pytest.raises(ValueError, match="samples must hold at least one recording"):
        model.evaluate([])


def test_training_learns_and_stays_near_its_float_twin():
    """Two classes that differ in place: both models learn them."""
    rng = np.random.default_rng(5)
    network = Network((6, 6, 1), (Conv(6, 3, 1), AvgPool(2), Dense(16)), 2)

    def recording(label):
        frames = np.zeros((8, 6, 6, 1), np.uint8)
        half = slice(0, 3) if label else slice(3, 6)
        frames[:, half] = rng.random((8, 3, 6, 1)) < 0.5
        return frames

    weights, codes = initialise(network, [recording(i % 2) for i in range(8)], seed=1)
    options = Settings(interval=4, error_fraction=14, rate_shift=4, layer_shifts=(4, 2, 1, 0))
    golden = GoldenModel(network, settings=options, weights=codes)
    twin = FloatModel(network, options, weights)
    for i in range(60):
        frames = recording(i % 2)
        for model in (golden, twin):
            model.train_sample(frames, i % 2)
    right = [[m.predict(recording(i % 2)) == i % 2 for i in range(40)] for m in (golden, twin)]
    assert np.mean(right[0]) > 0.9
    assert np.mean(right[1]) > 0.9
