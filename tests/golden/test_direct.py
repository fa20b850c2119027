"""Direct encoding: drive, sum of gamma and planes against exact rational arithmetic; bad input."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from golden import direct
from golden.core_config import CoreConfig
from golden.formats import Formats
from golden.layout import DoesNotFitError, place
from golden.network import AvgPool, Conv, Dense, Lif, Network
from golden.qformat import QFormat
from golden.reference.recursion import FloatModel
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import compiler
from tests.golden import cases

pytestmark = pytest.mark.unit

NETWORK = Network((6, 5, 1), (Conv(3, 3, 1), AvgPool(2), Dense(8)), 3, encoding="direct")


def test_planes_are_the_bits_of_the_pixels():
    image = np.array([[[0], [1], [128], [255], [37]]], np.uint8)
    planes = direct.bit_planes(image)
    assert planes.shape == (8, 1, 5, 1)
    assert np.array_equal((planes * 2 ** np.arange(8).reshape(-1, 1, 1, 1)).sum(axis=0), image)


@pytest.mark.parametrize("seed", range(10))
def test_drive_is_the_floor_of_the_exact_product(seed):
    rng = np.random.default_rng(seed)
    weights, pixels = rng.integers(-300, 300, 20), rng.integers(0, 256, 20)
    bits = pixels[:, None] >> np.arange(8) & 1
    drive, clipped = direct.drive((weights @ bits).reshape(8, 1), QFormat(24))
    assert (drive[0], clipped) == (floor(Fraction(int(weights @ pixels), 256)), 0)


def test_drive_saturates_at_each_halving_and_counts():
    drive, clipped = direct.drive(np.array([[40], *[[0]] * 7]), QFormat(4))
    assert (drive[0], clipped) == (0, 1)  # 20 -> 7, then 3, 1, 0, 0, 0, 0, 0
    drive, clipped = direct.drive(np.full((8, 1), -40), QFormat(4))
    assert (drive[0], clipped) == (-7, 8)


def test_gamma_sum_saturates_on_its_way_from_the_last_step():
    gamma = np.array([-5, 6, 6]).reshape(3, 1)
    assert direct.gamma_sum(gamma, QFormat(4)) == (np.array([2]), 1)  # 6, 12 -> 7, 2


def test_plane_gammas_round_half_up():
    planes, clipped = direct.plane_gammas(np.array([3, -3, 1, -1]), QFormat(14))
    assert planes[7].tolist() == [2, -1, 1, 0]  # 1.5, -1.5, 0.5, -0.5
    assert planes[6].tolist() == [1, -1, 0, 0]
    assert not planes[:5].any()
    assert clipped == 0


def test_golden_follows_the_float_twin():
    rng = np.random.default_rng(3)
    settings = Settings(interval=4, error_fraction=14, rate_shift=5)
    codes = cases.random_weights(rng, NETWORK, Formats())
    real = [code * Formats().weight_format.lsb for code in codes]
    golden, twin = GoldenModel(NETWORK, None, settings, codes), FloatModel(NETWORK, settings, real)
    frames = cases.random_frames(rng, NETWORK, 4)
    golden.run_interval(frames, 1, start=True, learn=True, update=False)
    twin.run_interval(frames, 1, start=True, learn=True, update=False)
    for ours, theirs in zip(golden.momentum, twin.momentum, strict=True):
        # a spike may differ here and there; the gradient as a whole must not
        error = np.linalg.norm(ours * 2.0**-14 - theirs)
        assert error <= 0.1 * np.linalg.norm(theirs) + 2.0**-10


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        (np.full((2, 6, 5, 1), 256), "pixels must be 0 to 255, not 256 to 256"),
        (np.full((2, 6, 5, 1), -1), "pixels must be 0 to 255, not -1 to -1"),
        (
            np.stack([np.zeros((6, 5, 1)), np.ones((6, 5, 1))]).astype(np.uint8),
            "direct encoding takes one image: all frames must be equal",
        ),
    ],
)
def test_wrong_images_are_refused(frames, text):
    model = GoldenModel(NETWORK)
    with pytest.raises(ValueError, match=text):
        model.class_counts(frames)


def test_wrong_descriptions_are_refused():
    with pytest.raises(ValueError, match=r"encoding must be one of .*, not 'rate'"):
        replace(NETWORK, encoding="rate")
    for rate in (-0.1, 1.0, 0.999):
        with pytest.raises(ValueError, match=f"dropout must be at least 0 and below 1, not {rate}"):
            Settings(dropout=rate)
    with pytest.raises(ValueError, match=r"loss must be one of .*, not 'hinge'"):
        Settings(loss="hinge")
    with pytest.raises(ValueError, match="temperature_shift must be between 0 and 3, not 4"):
        Settings(temperature_shift=4)


def test_narrow_errors_cannot_hold_a_drive():
    with pytest.raises(
        ValueError, match=r"the drive of conv1 needs 16 bits .*Formats.delta has 14"
    ):
        GoldenModel(NETWORK, Formats(gamma=12, delta=14))


def test_constants_beyond_their_width_are_refused():
    network = replace(NETWORK, lif=Lif(u_th=7.0, theta=7.0))
    settings = Settings(dropout=0.9, dropout_correction=True)
    with pytest.raises(ValueError, match=r"dropout 0.9 takes threshold or reset of pool1 beyond"):
        settings.check(network, Formats())
    Settings(dropout=0.9).check(network, Formats())


def test_places_that_are_too_small_are_named():
    config = CoreConfig(drive_words=8, layers=6)
    with pytest.raises(DoesNotFitError, match="drive_words: needs 12, has 8"):
        place(NETWORK, config, 2).check()
    settings = Settings(dropout=0.5, dropout_correction=True)
    roomy = place(NETWORK, replace(config, drive_words=32), 2)
    with pytest.raises(DoesNotFitError, match="layer table needs 8 rows, the core has 6"):
        compiler.layer_table(roomy, settings)
    assert len(compiler.layer_table(roomy, Settings())) == 6
