"""The measurement of dropout, on a few generated digits."""

import numpy as np
import pytest

from golden.initialise import initialise
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import presets
from host.bench import dropout
from host.bench.dropout import MODES, Job, Result


def job(rate, dataset="digits"):
    return Job(dataset, rate, 1, 1, 10, 6, None)


@pytest.fixture(scope="module")
def untrained():
    data = dropout.load(job(0.5))
    network = presets.network("small", data.shape, data.classes)
    _, codes = initialise(network, [sample.frames for sample in data.train], seed=1)
    settings = Settings(dropout=0.5)
    return network, settings, GoldenModel(network, settings=settings, weights=codes), data


def test_layers_fire_as_while_training_only_with_the_correction(untrained):
    network, _, model, _ = untrained
    before = [np.array(weight) for weight in model.weights]
    rates = {mode: dropout.measure(*untrained, mode)[1] for mode in MODES}
    conv, _, above, _ = (layer.index for layer in network.resolved)
    # The first layer sees the same frames in all modes; its spikes before dropping are compared.
    assert rates["masks"][conv] == rates["plain"][conv] == rates["corrected"][conv] > 0.02
    assert rates["plain"][above] > 1.5 * rates["masks"][above]
    assert rates["plain"][above] > 1.5 * rates["corrected"][above] > 0
    for one, other in zip(model.weights, before, strict=True):
        assert np.array_equal(one, other)


def test_without_dropout_all_modes_are_one(capsys):
    result = dropout.train(job(0.0))
    assert "p = 0, seed 1, epoch 1/1: training" in capsys.readouterr().out
    assert len(set(result.test.values())) == 1
    for mode in MODES[1:]:
        assert np.array_equal(result.rates[mode], result.rates[MODES[0]])
    assert result.layers == ("conv1", "classifier1", "fc2", "classifier2")


def test_tables_hold_means_and_each_seed():
    def result(seed, plain, corrected):
        test = dict(zip(MODES, (0.25, plain, corrected), strict=True))
        rates = {mode: np.array([0.1 * seed, 0.5]) for mode in MODES}
        return Result(Job("digits", 0.5, seed, 1, 10, 6, None), ("conv1", "fc2"), 0.5, test, rates)

    text = dropout.tables([result(1, 0.5, 0.75), result(2, 0.6, 0.7)]).splitlines()
    assert text[2] == (
        "| 0.5 | 50.0 (50.0, 50.0) | 25.0 (25.0, 25.0) | 55.0 (50.0, 60.0) | 72.5 (75.0, 70.0) "
        "| +17.5 |"
    )
    assert text[4] == "| p | firing | conv1 | fc2 |"
    assert text[7] == "| 0.5 | plain | 15.0 | 50.0 |"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data-dir", "nowhere"], "nowhere does not exist"),
        (["--dataset", "digits", "--rates", "1.5"], "dropout must be at least 0 and below 1"),
    ],
)
def test_wrong_options_are_named(options, message, capsys):
    with pytest.raises(SystemExit):
        dropout.main(options)
    assert message in capsys.readouterr().err
