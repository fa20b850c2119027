"""The measuring commands run on a few made-up recordings in N-MNIST's format."""

import os

import numpy as np
import pytest

from golden.network import lenet1_events
from host.bench import accuracy, golden_speed, lenet1
from host.bench.one_thread import THREAD_VARIABLES, pool

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split, count in (("Train", 1), ("Test", 1)):
        for digit in range(10):
            place = tmp_path / "NMNIST" / split / str(digit)
            place.mkdir(parents=True)
            for number in range(count):
                times = np.sort(rng.integers(0, 300_000, 1500))
                x, y = rng.integers(8, 26, (2, 1500))
                polarity = rng.integers(0, 2, 1500)
                codes = polarity << 23 | times
                columns = (x, y, codes >> 16, codes >> 8 & 255, codes & 255)
                data = np.stack(columns, axis=1).astype(np.uint8).tobytes()
                (place / f"{number:05}.bin").write_bytes(data)
    return tmp_path


@pytest.mark.parametrize("model", ["golden", "float"])
def test_training_run_gives_an_accuracy_per_epoch(folder, model, capsys):
    job = accuracy.Job(model, 1, 1, 10, 1, str(folder))
    result = accuracy.train(job)
    assert len(result.training) == len(result.test) == 1
    assert 0 <= result.test[0] <= 1
    assert f"{model:6} seed 1 epoch  1/1: training" in capsys.readouterr().out


def test_speed_is_positive(folder):
    assert golden_speed.speed(10, 4, 2, str(folder)) > 0


def test_shares_name_functions_of_golden_and_add_up(folder):
    spent = golden_speed.shares(10, 4, 2, str(folder))
    assert sum(share for _, share in spent) == pytest.approx(1)
    assert [share for _, share in spent] == sorted((s for _, s in spent), reverse=True)
    assert {"golden.lif._steps", "golden.gradient.update"} <= {name for name, _ in spent}


@pytest.mark.parametrize("command", [accuracy.main, golden_speed.main])
def test_missing_folder_is_named(command, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command(["--data-dir", str(tmp_path / "nowhere")])
    assert "nowhere" in capsys.readouterr().err


def test_settings_follow_the_layers_for_every_block_length():
    assert lenet1.settings(lenet1_events()).layer_shifts == (6, 4, 5, 2, 1, 1, 0, 0)
    assert lenet1.settings(lenet1_events(block_length=4)).layer_shifts == (6, 5, 1, 0, 0)


@pytest.mark.parametrize(("k", "f_e"), [(30, 16), (10, 16), (9, 15), (5, 15), (2, 13), (1, 12)])
def test_error_fraction_follows_the_interval(k, f_e):
    assert lenet1.settings(lenet1_events(), k).error_fraction == f_e


def test_workers_run_blas_on_one_thread(monkeypatch):
    for name in THREAD_VARIABLES:
        monkeypatch.setenv(name, "7")
    with pool(1) as processes:
        seen = processes.apply(os.getenv, (THREAD_VARIABLES[0],))
    assert seen == "1"
    with pytest.raises(ValueError, match="workers must be at least 1, not 0"):
        pool(0)
