"""Every data set in the training program: with its preset, or with a network that is named."""

import pytest

from golden.layout import place
from host.datasets import SOURCES
from host.options import parser, resolve
from host.presets import PRESETS, names, network_name

pytestmark = pytest.mark.unit

NAMED = {
    "cifar10": ["--network", "strided", "--lanes", "32"],
    "ncaltech101": ["--network", "strided", "--lanes", "32", "--size", "32"],
    "tinyesimagenet": ["--network", "strided", "--lanes", "64", "--size", "32"],
}
"""Options that docs/training.md gives for data sets without a preset."""


def folder_of(name, formats, tmp_path):
    if not SOURCES[name].from_folder:
        return []
    return ["--data-dir", str(getattr(formats, name)(tmp_path / name))]


@pytest.mark.parametrize("name", SOURCES)
def test_every_data_set_makes_a_run_that_fits(tmp_path, formats, name):
    options = ["--dataset", name, *folder_of(name, formats, tmp_path), *NAMED.get(name, [])]
    run = resolve(parser().parse_args(options))
    place(run.network, run.config, run.settings.interval).check()
    run.settings.check(run.network, run.config.formats)
    assert (name in NAMED) == (name not in PRESETS)
    assert (run.data.name, run.data.steps) == (name, SOURCES[name].steps)


@pytest.mark.parametrize("name", NAMED)
def test_without_a_preset_a_network_must_be_named(program, name):
    status, _, err = program("--dataset", name, small=False)
    assert status == 2
    assert err == (
        f"train_on_board.py: error: data set {name!r} has no preset, since no network fits the "
        f"default board with it: give --network ({', '.join(names())} or a JSON file)\n"
    )
    with pytest.raises(ValueError, match=f"data set '{name}' has no preset"):
        network_name(name)
    assert network_name(name, "strided") == "strided"


@pytest.mark.parametrize(
    ("name", "needs"), [("cifar10", "frame_words: needs"), ("ncaltech101", "class_groups: needs 7")]
)
def test_too_few_lanes_are_named(program, tmp_path, formats, name, needs):
    options = ["--dataset", name, *folder_of(name, formats, tmp_path), "--network", "strided"]
    status, _, err = program(*options, small=False)
    assert status == 2
    assert needs in err


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("emnist", ["--steps", "2"]),
        ("tinyesimagenet", ["--size", "8"]),
        ("cifar10dvs", ["--size", "8"]),
    ],
)
def test_a_run_from_files_to_pictures(program, tmp_path, tiny_network, formats, name, options):
    options += ["--network", tiny_network, "--layer-shifts", "3", "--k", "2", "--epochs", "1"]
    options += ["--train-limit", "4", "--test-limit", "2"]
    folder = folder_of(name, formats, tmp_path)
    status, out, err = program(
        "--dataset", name, *folder, "--run-dir", "run", *options, small=False
    )
    assert status == 0, err
    assert f"{name}: 4 " in out
    assert (tmp_path / "run" / "spike_raster.png").is_file()
