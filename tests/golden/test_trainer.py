import numpy as np
import pytest

from golden.formats import Formats
from tests.golden import cases

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("seed", range(24))
@pytest.mark.parametrize("formats", [Formats(), cases.NARROW], ids=["default", "narrow"])
def test_golden_equals_scalar_step_major_reference(seed, formats):
    rng = np.random.default_rng(seed)
    network = cases.random_network(rng)
    steps = int(rng.integers(1, 7))
    settings = cases.random_settings(rng, network, steps)
    weights = cases.random_weights(rng, network, formats)
    labels = rng.integers(0, network.classes, 2)
    recordings = [(int(y), cases.random_frames(rng, network, steps)) for y in labels]
    lanes = int(rng.choice([1, 2, 4, 16]))
    found = cases.compare(network, formats, settings, weights, recordings, lanes)
    assert not found, f"seed {seed}: {found}; {network}, {settings}"
