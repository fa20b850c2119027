"""``python -m golden.cost``."""

import json

import pytest

from golden.cost import __main__ as command
from golden.cost import printed, tables
from golden.cost.paper import paper_cost
from golden.layers import Residual
from golden.network import Conv, Dense, Network

pytestmark = pytest.mark.unit

TINY = Network((6, 6, 1), (Conv(3, 3), Dense(5)), 4, name="tiny")


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(TINY.to_dict()))
    return path


def test_paper_agrees_and_prints_every_cell(capsys, tmp_path):
    assert command.main(["--paper", "--json", str(tmp_path / "all.json")]) == 0
    text = capsys.readouterr().out
    assert "all ratios agree" in text
    assert text.count(" pass |") == 9
    assert text.count("to be measured") == 2
    data = json.loads((tmp_path / "all.json").read_text())
    assert len(data["cells"]) == 2 * (5 * 3 + 6 * 3 + 4 * 4 + 5 * 4)
    assert text.count(" trainable |") == text.count(" random |") == len(data["cells"]) // 2
    assert [check["agrees"] for check in data["checks"]] == [True] * 9 + [None] * 2
    for name in (
        "EMNIST: lenet1",
        "DvsGesture: lenet2",
        "CIFAR10: alexnet",
        "CIFAR10-DVS: alexnet",
    ):
        assert f"\n{name} on " in text
    assert text.count("fits no board: needs") == 3


def test_paper_says_what_is_off_and_fails(capsys, monkeypatch):
    lines = (printed.Line("a", -72, lambda: -74.0), printed.Line("b", 5, lambda: 1.0, below=True))
    monkeypatch.setattr(printed, "LINES", lines)
    assert command.main(["--paper"]) == 1
    text = capsys.readouterr().out
    assert "1 of the paper's ratios missed" in text
    assert text.count(" FAIL |") == 1


def test_one_network(capsys, tiny):
    options = ["--network", str(tiny), "--k", "5", "1", "--n", "1", "2", "--steps", "10"]
    assert command.main([*options, "--batch", "7", "--spikes", "0.1"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("network tiny: input (6, 6, 1), 4 classes, T = 10, batch 7, alpha 0.25")
    assert text.count(" trainable |") == 4
    for k in (5, 1):
        for n in (1, 2):
            assert f"(k, n) = ({k}, {n}), one sample, 32-bit values:" in text
    assert text.count("its bits leave room on the largest listed part") == 4


def test_json_holds_the_api_values(capsys, tiny):
    options = ["--network", str(tiny), "--k", "5", "--steps", "10", "--classifier", "random"]
    assert command.main([*options, "--accuracy-loss", "0.1", "--json", "-"]) == 0
    data = json.loads(capsys.readouterr().out)
    network = Network.from_dict(data["network"])
    assert network.classifier == "random"
    (cell,) = data["cells"]
    cost = paper_cost(network, 5, 10)
    for name in ("reads", "writes", "additions", "macs", "memory"):
        assert cell["paper"][name] == getattr(cost, name)
    merit = 0.1 + sum(cell["paper"]["relative"].values()) / 4
    assert cell["paper"]["figure_of_merit"] == pytest.approx(merit)
    assert cell["rows"][0]["gain"] > 1
    assert cell["accelerator"]["memory_bits"] == sum(cell["accelerator"]["memory"].values())


def test_options_change_the_network(capsys):
    options = ["--network", "lenet1", "--input-shape", "28", "28", "2", "--classes", "10"]
    assert command.main([*options, "--encoding", "direct", "--json", "-"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["network"]["input_shape"] == [28, 28, 2]
    assert (data["network"]["classes"], data["network"]["encoding"]) == (10, "direct")
    assert [cell["k"] for cell in data["cells"]] == [30]


def test_a_network_that_no_core_can_run_keeps_the_papers_costs(capsys, tmp_path):
    path = tmp_path / "residual.json"
    network = Network((8, 8, 1), (Conv(2, 3, 1), Residual(2)), 3)
    path.write_text(json.dumps(network.to_dict()))
    assert command.main(["--network", str(path), "--k", "5"]) == 0
    text = capsys.readouterr().out
    assert " trainable |" in text
    assert "conv2 of network 'network' has batch normalisation" in text
    assert command.main(["--network", str(path), "--json", "-"]) == 0
    assert "refused" in json.loads(capsys.readouterr().out)["cells"][0]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--network", "lenet3"],
         "network must be one of lenet1, lenet2, alexnet, vgg11, sew_resnet18 or a file, not "
         "'lenet3'"),
        (["--k", "31"], "k must be between 1 and 30, not 31"),
        (["--n", "5"], "block_length must be between 1 and 4, not 5"),
        (["--steps", "0"], "steps must be between 1 and 1048576, not 0"),
        (["--batch", "0"], "batch must be between 1 and 1048576, not 0"),
        (["--alpha", "2"], "alpha must be between 0 and 1, not 2.0"),
        (["--accuracy-loss", "7"], "accuracy_loss must be between -1 and 1, not 7.0"),
        (["--value-bits", "0"], "value_bits must be between 1 and 64, not 0"),
        (["--lanes", "12"], "lanes must be a power of two, not 12"),
        (["--inputs", "2"], "density of inputs must be between 0 and 1, not 2.0"),
        (["--classes", "1"], "classes must be between 2 and 4096, not 1"),
        (["--json", "nowhere/cost.json"], "No such file or directory: 'nowhere/cost.json'"),
    ],
)  # fmt: skip
def test_wrong_options_are_named(options, text, capsys):
    assert command.main(options) == 2
    output = capsys.readouterr()
    assert output.err.startswith("golden.cost: ")
    assert text in output.err
    assert not output.out


@pytest.mark.parametrize(
    ("content", "text"),
    [("{", "is not JSON: "), ("{}", "network description is not valid: 'layers'"),
     ("[1]", "network description is not valid: ")],
)  # fmt: skip
def test_a_damaged_file_is_named(content, text, tmp_path, capsys):
    path = tmp_path / "broken.json"
    path.write_text(content)
    assert command.main(["--network", str(path)]) == 2
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (1234, "1.234 k"), (2.5e6, "2.5 M"), (-3e9, "-3 G"), (4e12, "4 T"), (None, "–")],
)
def test_amounts_have_four_digits_and_a_letter(value, text):
    assert tables.amount(value) == text
