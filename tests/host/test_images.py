"""The training program on images: direct encoding from the files to the run folder."""

import json

import pytest

from host import checkpoint
from tests.host.datasets.conftest import Formats

NETWORK = {"layers": [{"kind": "conv", "channels": 4, "kernel": 5, "stride": 4}]}


@pytest.fixture
def images(program, tmp_path):
    """Run the program on a few images of noise."""
    Formats.mnist(tmp_path / "mnist")
    (tmp_path / "net.json").write_text(json.dumps(NETWORK), encoding="utf-8")

    def run(*options):
        fixed = ["--dataset", "mnist", "--data-dir", tmp_path, "--network", "net.json"]
        fixed += ["--train-limit", "12", "--test-limit", "5", "--epochs", "1"]
        return program(*fixed, "--layer-shifts", "3", *options, small=False)

    return run


def test_a_run_on_images_fills_its_folder(images, program, tmp_path):
    status, out, err = images("--steps", "6", "--k", "4", "--run-dir", "a")
    assert status == 0, err
    assert "each seen for 6 steps, 28x28x1" in out
    state = checkpoint.load(tmp_path / "a" / "weights.npz")
    assert state.network.encoding == "direct"
    assert state.network.input_shape == (28, 28, 1)
    assert state.progress.trained_intervals == 2 * 12
    for name in ("spike_raster.png", "confusion.png", "learning_curve.png"):
        assert (tmp_path / "a" / name).read_bytes().startswith(b"\x89PNG")
    status, _, err = program("--resume", "a", "--epochs", "2")
    assert status == 0, err


def test_images_of_colours_have_a_raster(tmp_path):
    import numpy as np

    from golden.network import Dense, Network
    from golden.trainer import GoldenModel
    from host.plots import spike_raster

    network = Network((5, 5, 3), (Dense(4),), 2, encoding="direct")
    frames = np.broadcast_to(np.arange(75, dtype=np.uint8).reshape(5, 5, 3), (4, 5, 5, 3))
    path = tmp_path / "a.png"
    spike_raster(path, GoldenModel(network), frames, 1, ("a", "b"), None)
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--window-ms", "10"], "window_us (--window-ms) must be left out for the images of"),
        (["--downsample", "2"], "downsample (--downsample) must be left out for the images of"),
        (["--size", "14"], "size must be left out for the images of 'mnist' or 28, not 14"),
    ],
)
def test_options_of_events_are_refused(images, tmp_path, options, expected):
    status, _, err = images(*options)
    assert status == 2
    assert expected in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_a_network_for_events_is_refused(images, tmp_path):
    (tmp_path / "net.json").write_text(json.dumps({**NETWORK, "encoding": "events"}))
    status, _, err = images()
    assert status == 2
    assert "net.json: encoding must be the data set's direct, not events" in err
