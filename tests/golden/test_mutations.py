"""Each rule that is easy to get wrong, broken on purpose: the comparison must notice.

The comparison is the one of test_trainer.py: golden against the scalar reference, on a network
with conv, pool and conv in one block, an interval that does not divide T, and narrow formats.
"""

from dataclasses import replace

import numpy as np
import pytest

from golden import (
    block,
    direct,
    dropout,
    gradient,
    lif,
    local_error,
    loss,
    qformat,
    random_bits,
    settings,
    synapse,
    trainer,
)
from golden.counters import Counters
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from golden.trainer import GoldenModel
from tests.easy_to_get_wrong import without_mutation
from tests.golden import cases
from tests.golden.scalar_model import ScalarModel

pytestmark = pytest.mark.unit

NETWORK = Network((6, 7, 2), (Conv(3, 3, 1), AvgPool(2), Conv(4, 2), Dense(18)), 3, (2, 1))
STEPS = 7


OPTIONS = Settings(
    interval=3, error_fraction=13, rate_shift=-2, layer_shifts=(1, 0, 0, 1, 0), momentum_shift=2,
    seed=99,
)  # fmt: skip


def material():
    """Return weights and recordings."""
    rng = np.random.default_rng(7)
    weights = cases.random_weights(rng, NETWORK, cases.NARROW)
    return weights, [(y, cases.random_frames(rng, NETWORK, STEPS, 0.4)) for y in (0, 2, 1)]


def agreement():
    weights, recordings = material()
    return cases.compare(NETWORK, cases.NARROW, OPTIONS, weights, recordings)


IMAGE = Network((5, 6, 2), (Conv(3, 3, 1), AvgPool(2), Dense(9)), 3, 2, encoding="direct")
DROPPING = Settings(
    interval=3, error_fraction=12, rate_shift=-2, seed=99, dropout=0.4, dropout_correction=True
)


def image_agreement():
    """Return the first difference on images with dropout, an inference included."""
    rng = np.random.default_rng(8)
    weights = cases.random_weights(rng, IMAGE, cases.NARROW)
    golden = GoldenModel(IMAGE, cases.NARROW, DROPPING, weights)
    scalar = ScalarModel(IMAGE, cases.NARROW, DROPPING, weights)
    counters = Counters()
    for label, learn in ((0, True), (1, True), (2, True), (1, False)):
        frames = cases.random_frames(rng, IMAGE, 5)
        for first in (0, 3):
            part = frames[first : first + 3]
            got = golden.run_interval(part, label, start=first == 0, learn=learn, counters=counters)
            if not np.array_equal(got, scalar.run_interval(part, label, first == 0, learn)):
                return "counts"
        found = cases.difference(golden, scalar, counters)
        if found:
            return found
    return ""


def change_codes(monkeypatch, change):
    original = trainer.checked_codes
    monkeypatch.setattr(
        trainer, "checked_codes", lambda layer, formats: change(layer, original(layer, formats))
    )


def change_spikes_of_carry(monkeypatch, change):
    """Replace the carry that leaves each interval by ``change(activity, codes)``."""
    original = lif.integrate

    def integrate(drive, carry, codes, limit, learn=True):
        activity = original(drive, carry, codes, limit, learn)
        activity.carry = change(activity, codes)
        return activity

    monkeypatch.setattr(lif, "integrate", integrate)


def dropped_theta(monkeypatch):
    change_codes(monkeypatch, lambda layer, codes: replace(codes, theta=0))


def detached_reset(monkeypatch):
    change_codes(monkeypatch, lambda layer, codes: replace(codes, c1=codes.c0))


def height_1(monkeypatch):
    def change(layer, codes):
        c1 = round(256 * (layer.lif.tau - layer.lif.theta))
        return replace(codes, a=256 // layer.pool_area, c1=c1)

    change_codes(monkeypatch, change)


def pool_has_no_own_terms(monkeypatch):
    def change(layer, codes):
        return replace(codes, c0=0, c1=0) if layer.kind == "pool" else codes

    change_codes(monkeypatch, change)


def pool_is_linear(monkeypatch):
    """Hand the error through a pool as if it had no neurons."""
    original = local_error.potential_errors

    def gamma(error, mask, codes, limit):
        found, clipped = original(error, mask, codes, limit)
        if mask.shape[1:] == NETWORK.resolved[1].out_shape:
            found = limit.saturate(np.broadcast_to(error, found.shape))[0].astype(found.dtype)
        return found, clipped

    monkeypatch.setattr(local_error, "potential_errors", gamma)


def pool_does_not_divide(monkeypatch):
    def change(layer, codes):
        return replace(codes, a=codes.a * layer.pool_area)

    change_codes(monkeypatch, change)


def leak_after_reset(monkeypatch):
    original = lif._saturating_steps

    def leak(u, spikes, codes):
        return ((u - spikes * u.dtype.type(codes.theta)) * codes.tau) >> 8

    monkeypatch.setattr(lif, "leak", leak)
    monkeypatch.setattr(
        lif, "_steps", lambda drive, first, codes: original(drive, first, codes, WIDE)[:3]
    )


WIDE = qformat.QFormat(40)


def spike_not_carried(monkeypatch):
    change_spikes_of_carry(monkeypatch, lambda a, codes: a.carry + a.spikes[-1] * codes.theta)


def classifier_reset_per_interval(monkeypatch):
    def change(activity, codes):
        is_classifier = activity.carry.shape == (1, 1, NETWORK.classes)
        return activity.carry * (not is_classifier)

    change_spikes_of_carry(monkeypatch, change)


def interval_off_by_one(monkeypatch):
    original = settings.intervals
    monkeypatch.setattr(trainer, "intervals", lambda steps, k: original(steps, k + 1))


def missing_1_over_k(monkeypatch):
    """Leave K = 2/(Nc k) of 2/(Nc k^2): the mean of the spikes divides, its derivative does not."""
    original = Settings.loss_scale
    monkeypatch.setattr(
        Settings, "loss_scale", lambda self, steps, classes: original(self, steps**0.5, classes)
    )


def last_interval_uses_full_k(monkeypatch):
    original = Settings.loss_scale
    monkeypatch.setattr(
        Settings, "loss_scale", lambda self, steps, classes: original(self, 3, classes)
    )


def mask_not_strict(monkeypatch):
    def surrogate(u, codes):
        return np.abs(u - codes.u_th) <= codes.half_a

    monkeypatch.setattr(lif, "surrogate", surrogate)


def forward_reads_all_weight_bits(monkeypatch):
    monkeypatch.setattr(Formats, "forward_weight", property(lambda self: self.weight))
    original = block.BlockRun._sums

    def drive(self, layer, spikes):
        weights, shift = self.model.weights, self.model.formats.forward_shift
        rounded = [((w + (1 << shift >> 1)) >> shift) << shift for w in weights]
        self.model.weights = rounded
        try:
            return original(self, layer, spikes)
        finally:
            self.model.weights = weights

    monkeypatch.setattr(block.BlockRun, "_sums", drive)


def backward_reads_forward_weights(monkeypatch):
    original = local_error.error_below

    def below(gamma, weight, layer, mask, formats):
        if weight is not None:
            step = 1 << formats.forward_shift
            weight = np.floor(weight / step) * step
        return original(gamma, weight, layer, mask, formats)

    monkeypatch.setattr(local_error, "error_below", below)


def error_below_is_floored(monkeypatch):
    monkeypatch.setattr(
        local_error, "round_shift", lambda value, by: value >> by if by > 0 else value << -by
    )


def gamma_crosses_the_interval(monkeypatch):
    original = local_error.potential_errors

    def gamma(error, mask, codes, limit):
        found, clipped = original(error, mask, codes, limit)
        found[-1] += 1
        return found, clipped

    monkeypatch.setattr(local_error, "potential_errors", gamma)


def pool_copies_transposed(monkeypatch):
    original = synapse.unpooled
    monkeypatch.setattr(synapse, "unpooled", lambda g, layer: original(g, layer)[:, :, ::-1])


def rounding_half_up(monkeypatch):
    original = gradient.update

    def update(weight, momentum, words, q, limit):
        half = words * words.dtype.type(0) + words.dtype.type(1 << q >> 1 if q > 0 else 0)
        return original(weight, momentum, half, q, limit)

    monkeypatch.setattr(gradient, "update", update)


def same_random_bits_each_update(monkeypatch):
    original = gradient.RandomWords.draw
    monkeypatch.setattr(gradient.RandomWords, "draw", lambda self, number: original(self, 0))


def fewer_cipher_rounds(monkeypatch):
    monkeypatch.setattr(
        gradient, "round_keys", lambda seed, update: random_bits.round_keys(seed, update, 7)
    )


def decay_before_update(monkeypatch):
    original = gradient.update

    def update(weight, momentum, words, q, limit):
        return original(weight, momentum - (momentum >> 2), words, q, limit)

    monkeypatch.setattr(gradient, "update", update)


def no_saturation_of(kind):
    """Widen one format inside golden: its saturation point never acts."""
    names = {
        "carry": "carry_format",
        "weight": "weight_format",
    }

    def mutate(monkeypatch):
        if kind in names:
            wide = property(lambda self: qformat.QFormat(30, self.weight_fraction))
            monkeypatch.setattr(Formats, names[kind], wide)
        elif kind == "gamma":
            original = local_error.potential_errors
            monkeypatch.setattr(
                local_error,
                "potential_errors",
                lambda error, mask, codes, limit: original(
                    error.astype(np.int64), mask, codes, WIDE
                ),
            )
        else:
            errors, below = loss.class_errors, local_error.error_below
            monkeypatch.setattr(
                loss, "class_errors", lambda *a: errors(*a[:2], limit=qformat.QFormat(30))
            )
            monkeypatch.setattr(
                local_error,
                "error_below",
                lambda gamma, weight, layer, mask, formats: below(
                    gamma.astype(np.int64), weight, layer, mask, replace(formats, delta=26)
                ),
            )

    mutate.__name__ = f"no_saturation_of_{kind}"
    return mutate


def dropout_forward_only(monkeypatch):
    original = lif.integrate

    def integrate(*arguments):
        activity = original(*arguments)
        activity.mask = Undropped(activity.mask)
        return activity

    monkeypatch.setattr(lif, "integrate", integrate)


class Undropped(np.ndarray):
    """A mask that `&` leaves as it is."""

    def __new__(cls, mask):
        return mask.view(cls)

    def __and__(self, other):
        return np.asarray(self)


def dropout_at_inference(monkeypatch):
    original = block.BlockRun.__init__

    def init(self, model, chosen, spikes, learn, keep, trace, counters):
        keep = model._masks.draw(model.trained_intervals)
        original(self, model, chosen, spikes, learn, keep, trace, counters)

    monkeypatch.setattr(block.BlockRun, "__init__", init)


def same_dropout_each_interval(monkeypatch):
    original = dropout.KeepMasks.draw
    monkeypatch.setattr(dropout.KeepMasks, "draw", lambda self, number: original(self, 0))


def dropout_untagged(monkeypatch):
    monkeypatch.setattr(dropout, "TAG", 0)


def no_correction_at_inference(monkeypatch):
    monkeypatch.setattr(Settings, "inference_codes", lambda self, codes: codes)


def plane_order_reversed(monkeypatch):
    original = direct.bit_planes
    monkeypatch.setattr(direct, "bit_planes", lambda image: original(image)[::-1])


def drive_rounded(monkeypatch):
    def drive(sums, limit):
        total = np.tensordot(1 << np.arange(8), sums, 1)
        return limit.saturate((total + 128) >> 8)

    monkeypatch.setattr(direct, "drive", drive)


def gamma_sum_without_first_step(monkeypatch):
    original = direct.gamma_sum
    monkeypatch.setattr(
        direct,
        "gamma_sum",
        lambda gamma, limit: original(gamma[1:], limit),
    )


def plane_gammas_floored(monkeypatch):
    monkeypatch.setattr(direct, "round_shift", lambda value, shift: value >> shift)


IMAGE_MUTATIONS = (
    dropout_forward_only, dropout_at_inference, same_dropout_each_interval, dropout_untagged,
    no_correction_at_inference, plane_order_reversed, drive_rounded, gamma_sum_without_first_step,
    plane_gammas_floored,
)  # fmt: skip


MUTATIONS = (
    dropped_theta, detached_reset, height_1, pool_has_no_own_terms, pool_is_linear,
    pool_does_not_divide, leak_after_reset, spike_not_carried, classifier_reset_per_interval,
    interval_off_by_one, missing_1_over_k, last_interval_uses_full_k, mask_not_strict,
    forward_reads_all_weight_bits, backward_reads_forward_weights, error_below_is_floored,
    gamma_crosses_the_interval, pool_copies_transposed, rounding_half_up,
    same_random_bits_each_update, fewer_cipher_rounds, decay_before_update,
    *map(no_saturation_of, ("carry", "delta", "gamma", "weight")),
)  # fmt: skip


def test_every_rule_that_is_easy_to_get_wrong_has_a_mutation():
    names = {mutation.__name__ for mutation in (*MUTATIONS, *IMAGE_MUTATIONS)}
    assert not without_mutation("golden", names)


def test_nothing_broken_agrees():
    assert not agreement()
    assert not image_agreement()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_mutation_is_caught(mutation, monkeypatch):
    mutation(monkeypatch)
    assert agreement(), f"{mutation.__name__} went unnoticed"


@pytest.mark.parametrize("mutation", IMAGE_MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_mutation_of_image_or_dropout_is_caught(mutation, monkeypatch):
    mutation(monkeypatch)
    assert image_agreement(), f"{mutation.__name__} went unnoticed"


def test_network_of_the_mutations_saturates_everywhere():
    weights, recordings = material()
    counters = Counters()
    model = GoldenModel(NETWORK, cases.NARROW, OPTIONS, weights)
    for label, frames in recordings:
        model.train_sample(frames, label, counters=counters)
    assert min(counters.saturations.values()) > 0, counters.saturations
