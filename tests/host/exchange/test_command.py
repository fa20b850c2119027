"""``python -m host.exchange`` from its command line."""

import json
import sys

import numpy as np
import pytest

from host import checkpoint, train_on_board
from host.exchange.__main__ import main

nir = pytest.importorskip("nir", reason="needs the extra exchange")
graphs = pytest.importorskip("tests.host.exchange.graphs", reason="needs the extra exchange")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run the command in a folder with ``plain.nir``; gives (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    graph = graphs.plain()
    graph.infer_types()
    nir.write("plain.nir", graph)

    def run(*arguments):
        status = main([str(part) for part in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def digits(path):
    """A graph that takes the frames of digits: 16x16x2, 10 classes."""
    neurons, conv, weights = graphs.lif, graphs.conv, graphs.weights
    graph = graphs.chain(
        (2, 16, 16), conv(weights(4, 2, 5, 5, scale=0.3), stride=2), neurons(4, 6, 6),
        graphs.flatten(), nir.Linear(weights(10, 144, scale=0.2)), neurons(10), classes=10,
    )  # fmt: skip
    graph.infer_types()
    nir.write(path, graph)


def test_import_writes_what_training_takes(command, tmp_path, capsys):
    digits("model.nir")
    options = ("--reset", "soft", "--dataset", "digits", "--recordings", "2")
    status, out, err = command("import", "model.nir", "--out", "mine", *options)
    assert (status, err) == (0, "")
    assert "16×16×2 – 4C5 stride 2 – 10 classes, 1,640 weights, n = 1" in out
    assert "- reset: the threshold is subtracted in the step after a spike" in out
    assert "spikes of 2 recordings, real weights and codes:" in out
    names = {path.name for path in (tmp_path / "mine").iterdir()}
    assert names == {"network.json", "weights.npz", "report.txt"}
    assert (tmp_path / "mine" / "report.txt").read_text() in out
    state = checkpoint.load("mine/weights.npz")
    assert json.loads((tmp_path / "mine" / "network.json").read_text()) == state.network.to_dict()
    assert state.network.name == "model"
    assert not any(np.any(momentum) for momentum in state.momentum)
    status = train_on_board.main(
        ["--board", "golden", "--network", "mine/network.json", "--weights", "mine/weights.npz",
         "--train-limit", "2", "--test-limit", "2", "--epochs", "1", "--run-dir", "run"]
    )  # fmt: skip
    captured = capsys.readouterr()
    assert status == 0, captured.err
    started = checkpoint.load("run/weights.npz")
    for one, other in zip(started.weights, state.weights, strict=True):
        assert np.abs(one - other).max() < 0.2 * 2**14  # two recordings from where it began
    status, out, _ = command("export", "run", "run.nir")
    assert status == 0
    assert "run.nir: 16×16×2" in out
    assert "- reset: NIR has no word for ours" in out
    assert command("import", "run.nir", "--out", "again")[0] == 0
    again = checkpoint.load("again/weights.npz")
    assert again.network == started.network
    for one, other in zip(again.weights, started.weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_export_with_local_classifiers(command):
    assert command("import", "plain.nir", "--out", "mine", "--reset", "soft", "--n", "1")[0] == 0
    assert "left out: classifier1" in command("export", "mine/weights.npz", "without.nir")[1]
    status, out, _ = command("export", "mine", "with.nir", "--local-classifiers")
    assert status == 0
    assert "left out" not in out
    assert "classifier1" not in nir.read("without.nir").nodes
    assert "classifier1_output" in nir.read("with.nir").nodes


def test_show_says_what_maps_to_what(command):
    status, out, err = command("show", "plain.nir", "--reset", "soft")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["node", "kind", "values", "becomes"]
    rows = {line.split()[0]: line for line in lines[1:12]}
    assert rows["input"].endswith("frames 8×6×2 (height, width, channels)")
    assert "weight 4×2×3×3" in rows["conv2d0"]
    assert rows["conv2d0"].endswith("Conv(4, 3)")
    assert rows["lif1"].endswith("neurons of conv2d0: tau 0.75, threshold 1")
    assert rows["avgpool2d2"].endswith("AvgPool(2)")
    assert rows["flatten4"].endswith("features ordered anew, channels last")
    assert rows["linear5"].endswith("Dense(5)")
    assert rows["output"].endswith("spikes of 3 classes")
    assert "network: 8×6×2 – 4C3 – AP2 – 5 – 3 classes, n = 2" in lines
    assert any(line.startswith("- hardware: tau 0.75 is 0.75, threshold 1") for line in lines)


def test_show_names_what_is_refused(command):
    status, out, err = command("show", "plain.nir")
    assert status == 2
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert rows["conv2d0"].endswith("Conv(4, 3)")
    assert rows["lif1"].endswith("refused, see below")
    assert rows["linear5"].endswith("weight 5×24")
    assert err.startswith("host.exchange: error: node lif1: NIR's LIF is reset to v_reset")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("show", "no.nir"), "NIR file no.nir does not exist"),
        (("import", "plain.nir", "--out", "."), ". exists already: choose another --out"),
        (
            ("import", "plain.nir", "--out", "new", "--recordings", "0"),
            "--recordings must be at least 1, not 0",
        ),
        (
            ("import", "plain.nir", "--out", "new", "--reset", "soft", "--dataset", "digits"),
            "frames must have shape",
        ),
        (
            ("import", "plain.nir", "--out", "new", "--reset", "soft", "--dataset", "none"),
            "data set must be one of",
        ),
        (("export", "no", "new.nir"), "weights file no cannot be read"),
    ],
)
def test_errors_leave_nothing(command, tmp_path, arguments, text):
    status, _, err = command(*arguments)
    assert status == 2
    assert err.startswith("host.exchange: error: ")
    assert text in err
    assert {path.name for path in tmp_path.iterdir()} == {"plain.nir"}


def test_an_export_overwrites_nothing(command):
    command("import", "plain.nir", "--out", "mine", "--reset", "soft")
    status, _, err = command("export", "mine", "plain.nir")
    assert status == 2
    assert "plain.nir exists already" in err


def test_ctrl_c(command, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("host.exchange.files.read", stop)
    assert command("show", "plain.nir")[::2] == (130, "host.exchange: stopped\n")


def test_an_input_shape_on_the_command_line(command):
    graph = graphs.chain(
        (24,), nir.Linear(graphs.weights(5, 24)), graphs.lif(5),
        nir.Linear(graphs.weights(2, 5)), graphs.lif(2),
    )  # fmt: skip
    nir.write("flat.nir", graph)
    status, out, _ = command("show", "flat.nir", "--reset", "soft", "--input-shape", "3,2,4")
    assert status == 0
    assert "network: 3×2×4 – 5 – 2 classes" in out


def test_without_the_package(command, monkeypatch):
    monkeypatch.setitem(sys.modules, "nir", None)
    status, _, err = command("show", "plain.nir")
    assert status == 2
    assert "nir is not installed, NIR files need it: pip install 'tlbptt[exchange]'" in err
