"""A network, recordings and options so small that a trial takes a tenth of a second."""

import json

from host.explore import __main__ as command
from host.explore import options

LAYERS = [{"kind": "conv", "channels": 3, "kernel": 3}, {"kind": "dense", "neurons": 6}]
SMALL = ["--steps", "4", "--size", "8", "--train-limit", "40", "--test-limit", "10"]


def arguments(tmp_path, *more, name="s"):
    """Arguments of the command; `more` may repeat options, of which the last counts."""
    path = tmp_path / "net.json"
    if not path.exists():
        path.write_text(json.dumps({"layers": LAYERS}), encoding="utf-8")
    own = ["--network", str(path), "--study", name, "--folder", str(tmp_path / name)]
    return ["run", *SMALL, *own, "--epochs", "2", "--batch", "16", "--threads", "1", *more]


def job(tmp_path, *more, name="s"):
    parsed = command.parser().parse_args(arguments(tmp_path, *more, name=name))
    return options.resolve(parsed)[0]


def run(tmp_path, *more, name="s"):
    """Exit status of the command."""
    return command.main(arguments(tmp_path, *more, name=name))
