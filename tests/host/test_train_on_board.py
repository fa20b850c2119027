"""The training program from its command line, on the golden board."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.formats import Formats
from host import checkpoint, training
from host.golden_board import GoldenBoard
from host.options import parser, resolve

SCRIPT = Path(__file__).parents[2] / "host" / "train_on_board.py"
FILES = {
    "config.json", "metrics.jsonl", "weights.npz",
    "learning_curve.png", "spike_raster.png", "confusion.png",
}  # fmt: skip


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def contents(folder):
    """Everything that two equal runs must share: metrics without times, and the checkpoint."""
    state = checkpoint.load(folder / "weights.npz")
    progress = dataclasses.asdict(state.progress)
    progress.pop("seconds")
    records = [{k: v for k, v in line.items() if k != "seconds"} for line in lines(folder)]
    return records, progress, state.weights, state.momentum


def assert_equal_runs(one, other):
    (records, progress, *arrays), (records_2, progress_2, *arrays_2) = one, other
    assert records == records_2
    assert progress == progress_2
    for kind, kind_2 in zip(arrays, arrays_2, strict=True):
        for array, array_2 in zip(kind, kind_2, strict=True):
            np.testing.assert_array_equal(array, array_2)


# ---- a run and its folder ----------------------------------------------------------------------


def test_blocks_random_classifiers_and_frozen_layers(program, tmp_path):
    options = ("--network", "small", "--n", "2", "--classifier", "random", "--freeze", "conv1")
    status, _, err = program("--run-dir", "random", *options)
    assert status == 0, err
    state = checkpoint.load(tmp_path / "random" / "weights.npz")
    assert state.network.block_length == 2
    conv, dense, classifier = state.network.weighted
    assert classifier.random
    assert state.settings.frozen == (conv.name,)
    moving = [bool(np.any(state.momentum[layer.hash_id])) for layer in (conv, dense, classifier)]
    assert moving == [False, True, False]


def test_an_unknown_layer_cannot_be_frozen(program):
    status, _, err = program("--freeze", "conv7")
    assert status == 2
    assert "frozen must name layers among" in err


def test_a_run_fills_its_folder(program, tmp_path):
    status, out, err = program()
    folder = tmp_path / "runs" / "digits-1"
    assert status == 0, err
    assert {path.name for path in folder.iterdir()} == FILES
    assert "before training: test accuracy" in out
    assert "test accuracy" in out.splitlines()[-2]
    assert "golden model" in out
    for name in FILES:
        if name.endswith(".png"):
            assert (folder / name).read_bytes().startswith(b"\x89PNG")
    config = json.loads((folder / "config.json").read_text())
    assert set(config) == {
        "board", "core", "data", "network", "settings", "plan", "weights", "versions",
    }  # fmt: skip
    assert config["settings"]["interval"] == 4
    records = lines(folder)
    assert records[0]["event"] == "before"
    epochs = [record for record in records if record["event"] == "epoch"]
    assert [record["samples"] for record in epochs] == [12, 24]
    assert {"train_accuracy", "test_accuracy", "saturated_weight", "seconds"} <= set(epochs[0])
    assert checkpoint.load(folder / "weights.npz").progress.trained_intervals == 24 * 2


def test_the_same_options_give_the_same_run(program, tmp_path):
    program("--run-dir", "a")
    program("--run-dir", "b")
    assert_equal_runs(contents(tmp_path / "a"), contents(tmp_path / "b"))


def test_another_seed_gives_another_run(program, tmp_path):
    program("--run-dir", "a")
    program("--run-dir", "b", "--seed", "2")
    assert not np.array_equal(contents(tmp_path / "a")[2][0], contents(tmp_path / "b")[2][0])


def test_run_folders_are_numbered(program, tmp_path):
    program()
    program()
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"digits-1", "digits-2"}


@pytest.mark.parametrize("lanes", ["8", "32"])
def test_lanes_do_not_matter(program, tmp_path, lanes):
    assert program("--run-dir", "a")[0] == 0
    assert program("--run-dir", "b", "--lanes", lanes)[0] == 0
    assert_equal_runs(contents(tmp_path / "a"), contents(tmp_path / "b"))


# ---- the configuration of a build folder -------------------------------------------------------

NARROW = CoreConfig(lanes=8, formats=Formats(weight=12, weight_fraction=10, gradient=16))


@pytest.fixture
def built(tmp_path):
    path = tmp_path / "built" / "config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"config": NARROW.to_words(), "baud": 3_000_000}))
    return path


def test_golden_trains_in_the_formats_of_a_build(program, tmp_path, built):
    status, out, err = program("--run-dir", "a", "--config", built)
    assert status == 0, err
    assert "P = 8" in out
    state = checkpoint.load(tmp_path / "a" / "weights.npz")
    assert state.formats == NARROW.formats
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert CoreConfig.from_words(config["core"]) == NARROW
    program("--run-dir", "b", "--lanes", "8")
    assert not np.array_equal(state.weights[0], contents(tmp_path / "b")[2][0])


def test_a_board_says_the_formats_itself_or_must_hold_those_of_a_build(
    program, tmp_path, built, monkeypatch
):
    opened = []

    def open_board(name, config=None):
        opened.append((name, config))
        return GoldenBoard(NARROW)

    monkeypatch.setattr("host.driver.open_board", open_board)
    boards = ("uart:/dev/x", "uart:/dev/x,9600", "pcie:/dev/y")
    options = ("--check", "1")
    for number, name in enumerate(boards):
        folder = f"run{number}"
        assert program("--run-dir", folder, "--board", name, "--config", built, *options)[0] == 0
    assert program("--run-dir", "run3", "--board", "uart:/dev/x", *options)[0] == 0
    assert opened == [
        ("uart:/dev/x,3000000", NARROW), ("uart:/dev/x,9600", NARROW), ("pcie:/dev/y", NARROW),
        ("uart:/dev/x", None),
    ]  # fmt: skip
    program("--run-dir", "golden", "--config", built)
    for number in range(4):
        assert_equal_runs(contents(tmp_path / f"run{number}"), contents(tmp_path / "golden"))


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        (None, (), "No such file or directory: 'built.json'"),
        ('{"config": {"lanes": 7}}', (), "built.json is no config.json of a build folder: "),
        ("{", (), "built.json is no config.json of a build folder: "),
        ("{}", ("--lanes", "8"), "leave out --lanes: --config tells the number of lanes"),
    ],
)
def test_a_wrong_configuration_is_refused(program, tmp_path, text, more, expected):
    if text is not None:
        (tmp_path / "built.json").write_text(text)
    status, _, err = program("--config", "built.json", *more)
    assert status == 2
    assert expected in err
    assert not (tmp_path / "runs").exists()


# ---- weights of a file, blocks, frozen layers --------------------------------------------------


def test_a_run_starts_from_the_weights_of_a_file(program, tmp_path):
    frozen = ("--freeze", "conv1,classifier1")
    assert program("--run-dir", "first")[0] == 0
    status, _, err = program("--run-dir", "second", "--weights", "first", *frozen)
    assert status == 0, err
    first, second = (contents(tmp_path / name) for name in ("first", "second"))
    for one, other in zip(first[2], second[2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert second[0][0]["test_accuracy"] == first[0][-1]["test_accuracy"]
    config = json.loads((tmp_path / "second" / "config.json").read_text())
    assert config["weights"] == str(tmp_path / "first")
    status, _, err = program("--resume", "second", "--epochs", "3")
    assert status == 0, err
    assert json.loads((tmp_path / "second" / "config.json").read_text()) == {
        **config, "plan": {**config["plan"], "epochs": 3}
    }  # fmt: skip


def test_first_weights_of_another_network_are_refused(program, tmp_path):
    assert program("--run-dir", "first")[0] == 0
    status, _, err = program("--run-dir", "second", "--weights", "first", "--network", "small")
    assert status == 2
    assert "must hold the network's layers conv1, classifier1, fc2, classifier2: it lacks" in err
    assert not (tmp_path / "second").exists()


# ---- going on ----------------------------------------------------------------------------------


class Stopper(GoldenBoard):
    """Behaves as if Ctrl-C was pressed during the n-th training interval or evaluation."""

    runs: ClassVar[list] = []
    after = 0

    def _submit(self, frames, label, start, learn, update):
        Stopper.after -= 1
        if Stopper.after == 0:
            Stopper.runs[-1].stop = True
        return super()._submit(frames, label, start, learn, update)


@pytest.fixture
def stop_after(monkeypatch):
    """Stop a run after so many intervals of training or evaluation."""
    original = training.Training.__init__

    def noted(self, *arguments, **named):
        original(self, *arguments, **named)
        Stopper.runs.append(self)

    monkeypatch.setattr(training.Training, "__init__", noted)
    monkeypatch.setattr("host.driver.GoldenBoard", Stopper)

    def arm(intervals):
        Stopper.after = intervals

    yield arm
    Stopper.runs.clear()
    Stopper.after = 0


# 10 intervals of evaluation, then per epoch 24 of training and 10 of evaluation.
@pytest.mark.parametrize("intervals", [1, 7, 11, 12, 20, 33, 34, 35, 44, 45, 60, 69, 76])
def test_a_resumed_run_equals_an_uninterrupted_one(program, tmp_path, stop_after, intervals):
    program("--run-dir", "whole")
    stop_after(intervals)
    status, out, _ = program("--run-dir", "parts")
    assert status == 130
    assert "--resume parts" in out
    status, _, err = program("--resume", "parts")
    assert status == 0, err
    assert_equal_runs(contents(tmp_path / "whole"), contents(tmp_path / "parts"))
    assert {path.name for path in (tmp_path / "parts").iterdir()} == FILES


@pytest.mark.parametrize("intervals", [11, 14, 23, 34, 45, 60])
def test_dropout_and_rare_updates_resume_exactly(program, tmp_path, stop_after, intervals):
    """Three intervals per update, two per recording: V is half full at most stops."""
    options = ("--dropout", "0.25", "--update-every", "3")
    program("--run-dir", "whole", *options)
    stop_after(intervals)
    assert program("--run-dir", "parts", *options)[0] == 130
    status, out, err = program("--resume", "parts")
    assert status == 0, err
    assert "dropout 0.25, corrected at inference, an update every 3 intervals" in out
    assert_equal_runs(contents(tmp_path / "whole"), contents(tmp_path / "parts"))
    state = checkpoint.load(tmp_path / "parts" / "weights.npz")
    assert (state.settings.dropout, state.settings.dropout_correction) == (0.25, True)
    assert state.progress.update_every == 3
    config = json.loads((tmp_path / "parts" / "config.json").read_text())
    assert config["plan"]["update_every"] == 3
    assert config["settings"]["dropout"] == 0.25


def test_loss_and_decay_are_chosen_and_kept(program, tmp_path):
    options = ("--loss", "cross-entropy", "--temperature-shift", "1", "--decay-to-zero")
    _, out, _ = program("--run-dir", "a", *options)
    assert "cross-entropy halved per 2 spikes" in out
    state = checkpoint.load(tmp_path / "a" / "weights.npz")
    assert (state.settings.loss, state.settings.temperature_shift) == ("cross-entropy", 1)
    assert state.settings.decay_to_zero
    program("--run-dir", "b")
    assert not np.array_equal(contents(tmp_path / "a")[2][0], contents(tmp_path / "b")[2][0])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), False),
        (("--dropout", "0.5"), True),
        (("--dropout", "0.5", "--no-dropout-correction"), False),
        (("--no-dropout-correction",), False),
    ],
)
def test_dropout_is_corrected_unless_it_shall_not(tmp_path, monkeypatch, options, expected):
    monkeypatch.chdir(tmp_path)
    run = resolve(parser().parse_args(["--board", "golden", *options]))
    assert run.settings.dropout_correction is expected


def test_updates_come_after_so_many_intervals_of_the_run(program, tmp_path, monkeypatch):
    """Across recordings and epochs, evaluations between them left out."""
    updates = []

    class Noting(GoldenBoard):
        def _submit(self, frames, label, start, learn, update):
            if learn:
                updates.append(update)
            return super()._submit(frames, label, start, learn, update)

    monkeypatch.setattr("host.driver.GoldenBoard", Noting)
    program("--run-dir", "a", "--update-every", "7")
    assert updates == [number % 7 == 6 for number in range(2 * 24)]
    program("--run-dir", "b")
    assert all(updates[48:])
    assert not np.array_equal(contents(tmp_path / "a")[2][0], contents(tmp_path / "b")[2][0])


def test_another_rhythm_of_updates_than_the_checkpoints_is_refused(program, tmp_path):
    program("--run-dir", "a", "--update-every", "5")
    path = tmp_path / "a" / "config.json"
    config = json.loads(path.read_text())
    config["plan"]["update_every"] = 2
    path.write_text(json.dumps(config))
    status, _, err = program("--resume", "a")
    assert status == 2
    assert "must be the 5 of a/weights.npz, not 2" in err


def test_a_run_begun_before_there_were_these_options_goes_on(program, tmp_path):
    program("--run-dir", "a", "--epochs", "1")
    path = tmp_path / "a" / "config.json"
    config = json.loads(path.read_text())
    del config["plan"]["update_every"]
    del config["settings"]["dropout"], config["settings"]["dropout_correction"]
    path.write_text(json.dumps(config))
    assert program("--resume", "a", "--epochs", "2")[0] == 0


def test_a_finished_run_can_have_more_epochs(program, tmp_path):
    program("--run-dir", "a", "--epochs", "3", "--halve-every", "1")
    program("--run-dir", "b", "--epochs", "1", "--halve-every", "1")
    status, _, err = program("--resume", "b", "--epochs", "3")
    assert status == 0, err
    assert_equal_runs(contents(tmp_path / "a"), contents(tmp_path / "b"))


def test_a_finished_run_that_is_resumed_stays(program, tmp_path):
    program("--run-dir", "a")
    before = contents(tmp_path / "a")
    assert program("--resume", "a")[0] == 0
    assert_equal_runs(before, contents(tmp_path / "a"))


def test_lines_after_the_last_save_are_dropped(program, tmp_path):
    program("--run-dir", "a")
    before = contents(tmp_path / "a")
    with (tmp_path / "a" / "metrics.jsonl").open("a") as file:
        file.write('{"event": "training", "epo')
    assert program("--resume", "a")[0] == 0
    assert_equal_runs(before, contents(tmp_path / "a"))


class Breaks(GoldenBoard):
    """Fails like a board whose cable is pulled."""

    def _submit(self, frames, label, start, learn, update):
        if learn and self.trained_intervals == 30:
            raise ConnectionError("serial port broke while sending")
        return super()._submit(frames, label, start, learn, update)


def test_a_board_that_breaks_leaves_a_folder_to_go_on_with(program, tmp_path, monkeypatch):
    program("--run-dir", "whole")
    with monkeypatch.context() as patch:
        patch.setattr("host.driver.GoldenBoard", Breaks)
        status, _, err = program("--run-dir", "parts")
    assert status == 2
    assert "broke while sending" in err
    assert "until the last save is in parts" in err
    assert program("--resume", "parts")[0] == 0
    assert_equal_runs(contents(tmp_path / "whole"), contents(tmp_path / "parts"))


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--dataset", "digit"], "data set must be one of digits, gestures, nmnist, dvsgesture, "
         "mnist, emnist, cifar10, cifar10dvs, ncaltech101, tinyesimagenet, not 'digit'; did you "
         "mean 'digits'?"),
        (["--dataset", "nmnist", "--data-dir", "nowhere"], "nowhere does not exist"),
        (["--data-dir", "nowhere"], "data_dir must be None for the data set 'digits'"),
        (["--k", "0"], "k must be between 1 and T = 6, not 0"),
        (["--k", "7"], "k must be between 1 and T = 6, not 7"),
        (["--epochs", "0"], "epochs must be at least 1, not 0"),
        (["--train-limit", "-3"], "train_limit must be at least 1, not -3"),
        (["--steps", "-1"], "windows must be at least 1, not -1"),
        (["--layer-shifts", "1,2,3"], "layer_shifts must hold 1 or 2 values, not 3"),
        (["--lanes", "12"], "lanes must be a power of two, not 12"),
        (["--momentum-shift", "99"], "momentum_shift must be between 0 and 15, not 99"),
        (["--seed", "-1"], "seed must be between 0 and"),
        (["--dropout", "1"], "dropout must be at least 0 and below 1, not 1.0"),
        (["--dropout", "-0.1"], "dropout must be at least 0 and below 1, not -0.1"),
        (["--dropout", "0.001"], "dropout must be 0 or at least 1/256, not 0.001"),
        (["--dropout-correction"], "--dropout-correction needs --dropout above 0"),
        (["--temperature-shift", "1"], "--temperature-shift needs --loss cross-entropy"),
        (
            ["--loss", "cross-entropy", "--temperature-shift", "4"],
            "temperature_shift must be between 0 and 3, not 4",
        ),
        (["--update-every", "0"], "update_every must be at least 1, not 0"),
        (
            ["--board", "fpga"],
            "board must be sim, golden, uart:PORT[,BAUD] or pcie:DEVICE[,CHANNEL], not 'fpga'",
        ),
        (["--board", "pcie:/dev/no-such"], "no board at /dev/no-such_h2c_0 (no such device)"),
        (["--board", "uart:/dev/no-such-port"], "no board at /dev/no-such-port (no such device)"),
        (["--network", "lenet"], "network must be one of small, moving, lenet1, strided, letters, "
         "lenet2, alexnet, vgg11, sew_resnet18 or an existing JSON file, not 'lenet'; did you mean "
         "'lenet2'?"),
        (["--resume", "nowhere"], "run folder nowhere does not exist"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_one_line_and_leaves_nothing(program, tmp_path, options, expected):
    before = set(tmp_path.rglob("*"))
    status, _, err = program(*options)
    assert status == 2
    assert expected in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_network_that_does_not_fit_names_memory_needed_and_available(program, tmp_path):
    path = tmp_path / "wide.json"
    path.write_text(json.dumps({"layers": [{"kind": "dense", "neurons": 4096}]}))
    status, _, err = program("--network", path)
    assert status == 2
    assert "weight_rows: needs 36864, has 6144 (30720 too many)" in err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "cannot be read: Expecting property name"),
        ("[]", "must hold a JSON object, not list"),
        ("{}", "network description is not valid: 'layers'"),
        ('{"layers": 5}', "network description is not valid"),
        ('{"layers": ["conv"]}', "nope.json: "),
        ('{"layers": [{"kind": "convolution"}]}', "layer kind must be one of"),
        ('{"layers": [{"kind": "conv", "channels": 4}]}', "kernel"),
        ('{"layers": [{"kind": "conv", "channels": "x", "kernel": 3}]}', "channels must be an int"),
        ('{"layers": [{"kind": "dense", "neurons": 8}], "classes": 3}', "classes must be the data"),
        ('{"layers": [{"kind": "dense", "neurons": 8}], "input_shape": [9, 9, 2]}', "input_shape"),
    ],
)
def test_a_bad_network_file_is_named(program, tmp_path, text, expected):
    path = tmp_path / "nope.json"
    path.write_text(text)
    status, _, err = program("--network", path)
    assert status == 2
    assert "nope.json" in err
    assert expected in err
    assert not (tmp_path / "runs").exists()


def test_an_existing_run_folder_is_not_touched(program, tmp_path):
    program("--run-dir", "a")
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    status, _, err = program("--run-dir", "a", "--seed", "2")
    assert status == 2
    assert "run folder a exists already" in err
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


def test_resume_refuses_other_options(program):
    program("--run-dir", "a")
    status, _, err = program("--resume", "a", "--k", "3", "--seed", "4")
    assert status == 2
    assert "leave out --k, --seed" in err
    late = ("--dropout", "0", "--no-dropout-correction", "--update-every", "1")
    status, _, err = program("--resume", "a", *late)
    assert status == 2
    assert "leave out --update-every, --dropout, --dropout-correction" in err


@pytest.mark.parametrize(
    ("name", "expected"),
    [("weights.npz", "cannot be read"), ("config.json", "cannot be read")],
)
def test_a_damaged_run_folder_is_refused_and_stays(program, tmp_path, name, expected):
    program("--run-dir", "a")
    file = tmp_path / "a" / name
    file.write_bytes(file.read_bytes()[:40])
    before = {path: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    status, _, err = program("--resume", "a")
    assert status == 2
    assert name in err
    assert expected in err
    assert {path: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before


# ---- the comparison with the golden model ------------------------------------------------------


class Tampered(GoldenBoard):
    """A board that is not called golden, so that it is checked."""

    name = "board under test"
    spoil = None

    def _submit(self, frames, label, start, learn, update):
        run = super()._submit(frames, label, start, learn, update)
        if learn and self.trained_intervals == 3:  # second interval of the second recording
            if Tampered.spoil == "counts":
                self._results[run] = self._results[run] + 1
            elif Tampered.spoil is not None:
                getattr(self.model, Tampered.spoil)[0][5, 2] += 1
        return run


@pytest.mark.parametrize("options", [(), ("--dropout", "0.5", "--update-every", "3")])
@pytest.mark.parametrize("spoil", [None, "weights", "momentum", "counts"])
def test_a_board_is_compared_with_golden(program, tmp_path, monkeypatch, spoil, options):
    def opened(name, config=None):
        return Tampered(config)

    monkeypatch.setattr("host.driver.open_board", opened)
    monkeypatch.setattr(Tampered, "spoil", spoil)
    status, out, err = program("--board", "sim", "--check", "3", "--run-dir", "a", *options)
    said = "first 3 samples: weights, momentum and counts equal the golden model's, bit for bit"
    if spoil is None:
        assert status == 0, err
        assert said in out
        program("--run-dir", "b", *options)
        assert_equal_runs(contents(tmp_path / "a"), contents(tmp_path / "b"))
        return
    assert status == 3
    assert said not in out
    assert "sample 2: " + spoil in err
    if spoil == "counts":
        assert "at 10 of 10 places, first at index (0,): got" in err
    else:
        assert f"{spoil} of conv1" in err
        assert "first at index (5, 2): got" in err
    assert "expected" in err


# ---- without the environment -------------------------------------------------------------------


def test_without_the_environment_it_says_how_to_make_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT)],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "`make train`" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_explains(capsys):
    from host import train_on_board

    with pytest.raises(SystemExit) as end:
        train_on_board.main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for word in ("examples:", "--dataset", "uart:/dev/ttyUSB1", "pcie:/dev/xdma0", "exit status"):
        assert word in text
