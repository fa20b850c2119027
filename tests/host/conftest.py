"""A network and options so small that a whole training run takes a second."""

import json

import pytest

from host import train_on_board

TINY = {"layers": [{"kind": "conv", "channels": 4, "kernel": 3}, {"kind": "avgpool"}]}


@pytest.fixture
def tiny_network(tmp_path):
    """File of a network that takes input shape and classes from the data set."""
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY), encoding="utf-8")
    return path


@pytest.fixture
def program(tmp_path, tiny_network, monkeypatch, capsys):
    """Run the training program on tiny digits; gives (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*options, small=True):
        arguments = ["--board", "golden"] if "--board" not in options else []
        if small and "--resume" not in options:
            arguments += ["--steps", "6", "--size", "8", "--k", "4", "--epochs", "2"]
            arguments += ["--train-limit", "12", "--test-limit", "5"]
            arguments += ["--network", str(tiny_network), "--layer-shifts", "3"]
        status = train_on_board.main([*arguments, *map(str, options)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run
