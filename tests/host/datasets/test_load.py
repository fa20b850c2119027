import re
import sys
import types

import numpy as np
import pytest

from host.datasets import SOURCES, DataSet, load, source
from host.datasets.data_set import DataSetError

pytestmark = pytest.mark.unit

NAMES = [
    "digits", "gestures", "nmnist", "dvsgesture", "mnist", "emnist", "cifar10", "cifar10dvs",
    "ncaltech101", "tinyesimagenet",
]  # fmt: skip


def test_sources_and_defaults():
    assert list(SOURCES) == NAMES
    table = {name: (s.steps, s.window_us, s.size, s.sensor) for name, s in SOURCES.items()}
    assert table == {
        "digits": (20, 15_000, 16, None),
        "gestures": (20, 15_000, 16, None),
        "nmnist": (30, 10_000, 28, 34),
        "dvsgesture": (60, 20_000, 32, 128),
        "mnist": (10, None, 28, 28),
        "emnist": (20, None, 28, 28),
        "cifar10": (10, None, 32, 32),
        "cifar10dvs": (100, 5_000, 32, 128),
        "ncaltech101": (60, 5_000, 48, 240),
        "tinyesimagenet": (8, None, 64, 256),
    }
    assert [name for name, s in SOURCES.items() if s.from_folder] == NAMES[2:]
    images = [name for name, s in SOURCES.items() if s.encoding == "direct"]
    assert images == ["mnist", "emnist", "cifar10"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nminst", "; did you mean 'nmnist'?"),
        ("N-MNIST", "; did you mean 'nmnist'?"),
        ("DVSGesture", "; did you mean 'dvsgesture'?"),
        ("digit", "; did you mean 'digits'?"),
        ("imagenet", "; did you mean 'tinyesimagenet'?"),
        ("CIFAR10-DVS", "; did you mean 'cifar10dvs'?"),
        ("speech", ""),
        ("MNIST", "; did you mean 'mnist'?"),
        (None, ""),
    ],
)
def test_unknown_name(name, hint):
    for function in (load, source):
        with pytest.raises(ValueError, match="data set must be") as caught:
            function(name)
        assert str(caught.value) == (
            f"data set must be one of {', '.join(NAMES)}, not {name!r}{hint}"
        )


@pytest.mark.parametrize("name", ["digits", "gestures"])
def test_generated_data_sets_are_complete(name):
    data = load(name, train_limit=30, test_limit=20)
    assert isinstance(data, DataSet)
    assert (len(data.train), len(data.test)) == (30, 20)
    assert data.classes == len(data.class_names)
    assert np.bincount(data.train.labels, minlength=data.classes).min() == 30 // data.classes
    for sample in (data.train[0], data.test[-1]):
        assert sample.frames.shape == (data.steps, *data.shape)
        assert 0 <= sample.label < data.classes


def test_downsampling_of_a_generated_data_set_makes_a_finer_sensor():
    data = load("digits", size=8, downsample=2)
    assert data.train[0].frames.shape == (20, 8, 8, 2)


def test_numpy_integers_will_do():
    data = load("digits", seed=np.int64(2), train_limit=np.int64(10), windows=np.int32(4))
    assert np.array_equal(
        data.train[0].frames, load("digits", seed=2, train_limit=10, windows=4).train[0].frames
    )


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"windows": 0}, ValueError, "windows must be at least 1, not 0"),
        ({"windows": 2.0}, TypeError, "windows must be an integer, not 2.0"),
        ({"window_us": 0}, ValueError, "window_us must be at least 1, not 0"),
        ({"size": -16}, ValueError, "size must be at least 1, not -16"),
        ({"downsample": 0}, ValueError, "downsample must be at least 1, not 0"),
        ({"seed": 0.5}, TypeError, "seed must be an integer, not 0.5"),
        ({"train_limit": 0}, ValueError, "train_limit must be at least 1, not 0"),
        ({"test_limit": "9"}, TypeError, "test_limit must be an integer, not '9'"),
        (
            {"data_dir": "somewhere"},
            ValueError,
            "data_dir must be None for the data set 'digits', not 'somewhere'",
        ),
        (
            {"train_per_class": 3},
            TypeError,
            "option of data set 'digits' must be left out, not 'train_per_class'",
        ),
    ],
)
def test_refuses(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        load("digits", **options)


def test_unknown_option_lists_the_known():
    message = (
        "option of data set 'gestures' must be one of train_per_class, test_per_class, "
        "not 'per_class'"
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        load("gestures", per_class=3)


# --- download ---------------------------------------------------------------------------------


def fake_tonic(monkeypatch, **classes):
    package, module = types.ModuleType("tonic"), types.ModuleType("tonic.datasets")
    for name, value in classes.items():
        setattr(module, name, value)
    monkeypatch.setitem(sys.modules, "tonic", package)
    monkeypatch.setitem(sys.modules, "tonic.datasets", module)


@pytest.mark.parametrize("name", ["nmnist", "dvsgesture"])
def test_without_tonic_it_says_how_to_install_it(name, no_environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "tonic", None)
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    message = (
        rf"{name}: no folder given and tonic, which downloads it, cannot be imported \(.*\): "
        r"pip install -e '\.\[datasets\]', or name a folder that holds it "
        r"\(data_dir, --data-dir or TLBPTT_DATA\)"
    )
    with pytest.raises(DataSetError, match=message):
        load(name)


def test_without_a_network_it_says_so(no_environment, monkeypatch):
    def fail(save_to, train):
        raise OSError("name resolution failed")

    fake_tonic(monkeypatch, NMNIST=fail)
    message = (
        f"nmnist: download to {no_environment} failed (OSError: name resolution failed); is there "
        "a network? Otherwise name a folder that holds it (data_dir, --data-dir or TLBPTT_DATA)"
    )
    with pytest.raises(DataSetError) as caught:
        load("nmnist")
    assert str(caught.value) == message


def test_download_comes_once(no_environment, monkeypatch, formats, tmp_path):
    calls = []

    def download(save_to, train):
        calls.append((save_to, train))
        if not train:
            formats.nmnist(no_environment / "NMNIST")

    fake_tonic(monkeypatch, NMNIST=download)
    assert len(load("nmnist").train) == 20
    assert len(load("nmnist").test) == 10
    assert calls == [(str(no_environment), True), (str(no_environment), False)]


def test_download_that_leaves_nothing(no_environment, monkeypatch):
    fake_tonic(monkeypatch, DVSGesture=lambda save_to, train: None)
    with pytest.raises(DataSetError, match="dvsgesture: tonic left nothing to load in"):
        load("dvsgesture")
