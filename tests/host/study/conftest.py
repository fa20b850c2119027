"""Results of a study as they are known beforehand."""

import pytest

from host.study import recordings, records
from host.study.grid import Amount, Run

AMOUNT = Amount(16, 100, 2, 1)


@pytest.fixture(scope="session")
def gestures():
    return recordings.load("gestures", AMOUNT)


@pytest.fixture
def known(gestures):
    """Make the record of a run with a given accuracy."""

    def make(accuracy, model="golden", k=10, n=1, classifier="trainable", seed=1):
        run = Run("gestures", model, k, n, classifier, seed)
        result = {
            "test": [0.0, accuracy], "training": [0.0, accuracy / 2], "recordings": "f00",
            "saturations": None, "seconds": 1.5,
        }  # fmt: skip
        return {**records.describe(run, AMOUNT, gestures), "result": result}

    return make
