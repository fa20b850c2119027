"""``python -m boards``: options, exit statuses and what is told."""

import json
from collections import Counter
from fractions import Fraction

import pytest

from boards import __main__ as command
from boards import artix7, built, ecp5, synth, yowasp
from boards.board import BoardError
from boards.catalogue import BOARDS
from boards.cells import Cells, Figures
from boards.timing import CriticalPath, Routed, TimingError
from golden.core_config import CoreConfig

SMALLER = ["--weight-rows", "512", "--mask-words", "512"]


@pytest.fixture
def calls(monkeypatch):
    """Calls of the two builds, which only pretend."""
    made = []
    path = CriticalPath("a", "b", 1.0, 2.0, 3, ())

    def routed(board, config, target, folder, seeds, jobs, rounds):
        made.append((board.name, config, target, folder, seeds, jobs, rounds))
        return folder / "x.bit", Routed(2, 51e6, 50e6, path, {})

    def folder_only(board, config, target, folder):
        made.append((board.name, config, target, folder))
        return folder / "x.bit"

    monkeypatch.setattr(ecp5, "build", routed)
    monkeypatch.setattr(artix7, "build", folder_only)
    return made


def build(*arguments):
    return command.main(["build", *map(str, arguments)])


def test_list_names_every_board(capsys):
    assert command.main(["list"]) == 0
    text = capsys.readouterr().out
    for board in BOARDS.values():
        assert f"\n{board.name} " in text
        assert board.part in text
    assert "192/208" in text
    assert text.endswith("arty_a7 is arty_a7_100\n")


def test_defaults_are_the_boards(calls, tmp_path, capsys):
    assert build("--board", "ulx3s", "--out", tmp_path) == 0
    board = BOARDS["ulx3s"]
    assert calls == [("ulx3s", board.config, board.target, tmp_path, [1], 1, 2)]
    text = capsys.readouterr().out
    assert "51.0 MHz of 50.0 MHz with seed 2" in text
    assert "critical path a -> b" in text
    assert "UART with 3,000,000 baud at USB (FT231X)" in text


def test_options_change_the_configuration(calls, tmp_path):
    options = ("--clock", "30e6", "--seeds", "3,1", "--jobs", 2, "--lanes", 4, "--layers", 16)
    more = ("--rounds", 0, *SMALLER)
    assert build("--board", "ulx3s", "--out", tmp_path, *options, *more) == 0
    (_, config, target, _, seeds, jobs, rounds) = calls[0]
    assert (config.lanes, config.layers, config.weight_rows) == (4, 16, 512)
    assert config.neuron_words == 2 * BOARDS["ulx3s"].config.neuron_words
    assert (target, seeds, jobs, rounds) == (30_000_000, [3, 1], 2, 0)


def test_folder_says_what_the_bitstream_holds(calls, tmp_path):
    assert build("--board", "arty_a7", "--out", tmp_path) == 0
    described = json.loads((tmp_path / "config.json").read_text())
    assert CoreConfig.from_words(described["config"]) == CoreConfig()
    assert described["hash"] == f"{CoreConfig().hash:08x}"
    assert (described["board"], described["clock"], described["baud"]) == (
        "arty_a7_100", 100e6, 12_000_000,
    )  # fmt: skip


def test_network_must_fit(calls, tmp_path, capsys):
    options = ("--board", "ulx3s", "--out", tmp_path, "--network", "lenet1")
    assert build(*options) == 2
    assert "weight_rows: needs 11230, has 7680" in capsys.readouterr().err
    assert build(*options, "--classifier", "random") == 0
    assert build(*options, "--classifier", "random", "--interval", "12") == 2
    assert len(calls) == 1


def test_smallest_memories_of_a_network(calls, tmp_path, capsys):
    options = ("--board", "ulx3s", "--out", tmp_path, "--network", "lenet1", "--smallest")
    assert build(*options, "--lanes", 16, "--classifier", "random") == 0
    config = calls[0][1]
    assert (config.lanes, config.weight_rows, config.layers) == (16, 4120, 11)
    assert build(*options) == 2
    assert "block RAM: needs 2" in capsys.readouterr().err
    narrow = ("--format-weight", 14, "--format-weight-fraction", 12, "--format-state", 23)
    assert build(*options, *narrow, "--format-gradient", 16) == 0
    assert (calls[1][1].weight_rows, calls[1][1].formats.state) == (11230, 23)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--board", "ulx3s", "--smallest"], "--smallest is for a network: name one, --network"),
        (["--board", "de10"], "board must be one of arty_a7, "),
        (["--board", "ulx3s", "--seeds", "1,x"], "seeds must be different numbers such as 1,2,3"),
        (["--board", "ulx3s", "--seeds", "1,1"], "not '1,1'"),
        (["--board", "ulx3s", "--jobs", "0"], "jobs must be at least 1, not 0"),
        (["--board", "ulx3s", "--rounds", "-1"], "rounds must be at least 0, not -1"),
        (["--board", "ulx3s", "--lanes", "12"], "lanes must be a power of two, not 12"),
        (["--board", "ulx3s", "--clock", "1"], "target of EHXPLLL must be 3.125 to 400 MHz"),
        (
            ["--board", "ulx3s", "--lanes", "16"],
            "the configuration does not fit ulx3s: block RAM: needs 327, lfe5u-85f has 208",
        ),
        (["--board", "ulx3s", "--network", "/no/such"], "No such file"),
    ],
)
def test_wrong_options_end_with_2(options, text, calls, tmp_path, capsys):
    assert build(*options, "--out", tmp_path) == 2
    assert text in capsys.readouterr().err
    assert not calls


@pytest.mark.parametrize(
    ("error", "status"),
    [(TimingError("slow"), 1), (yowasp.ToolError("broken"), 1), (BoardError("missing"), 2)],
)
def test_errors_of_the_build_end_with_their_status(error, status, tmp_path, monkeypatch, capsys):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(ecp5, "build", fail)
    assert build("--board", "ulx3s", "--out", tmp_path) == status
    captured = capsys.readouterr()
    assert captured.err == f"boards build: {error}\n"
    assert "bitstream " not in captured.out


def test_without_tools_the_utilisation_is_told_and_no_bitstream(tmp_path, monkeypatch, capsys):
    def missing(*arguments):
        raise artix7.MissingToolsError("no bitstream: not on the path: vivado")

    monkeypatch.setattr(artix7, "build", missing)
    cells = Cells({"core.lif": Counter(LUT2=7, FDRE=3)})
    monkeypatch.setattr(
        synth, "utilisation", lambda config, part: (f"modules\n\nsums of {part}", cells)
    )
    assert build("--board", "litefury", "--out", tmp_path) == 2
    captured = capsys.readouterr()
    assert captured.out.endswith("\nsums of xc7a100t\n")
    assert captured.err == "boards build: no bitstream: not on the path: vivado\n"
    assert (tmp_path / "utilisation.txt").read_text() == "modules\n\nsums of xc7a100t\n"
    assert built.read(tmp_path).units["lif"] == Figures(lut=7, ff=3)

    def broken(*arguments):
        raise synth.SynthesisError("no yosys")

    monkeypatch.setattr(synth, "utilisation", broken)
    assert build("--board", "litefury", "--out", tmp_path) == 2
    assert capsys.readouterr().err.startswith("no utilisation: no yosys\nboards build: no bit")
    assert built.read(tmp_path).units == {}  # not those of the build before


def test_other_commands_are_the_ones_of_their_modules(capsys):
    for name in ("report", "table", "synth", "baselines"):
        with pytest.raises(SystemExit, match="0"):
            command.main([name, "--help"])
        assert f"usage: python -m boards {name} " in capsys.readouterr().out
    assert command.main([]) == 2
    assert "python -m boards build" in capsys.readouterr().err
    assert command.main(["--help"]) == 0
    assert "python -m boards list" in capsys.readouterr().out


def test_the_clock_that_is_made_is_told(calls, tmp_path):
    assert build("--board", "ulx3s", "--out", tmp_path, "--clock", 33_333_333) == 0
    described = json.loads((tmp_path / "config.json").read_text())
    assert described["clock"] == float(Fraction(100_000_000, 3))


def test_a_tool_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(yowasp.ENTRIES, "ecppack", ("no_such_package", "run"))
    with pytest.raises(BoardError, match=r"ecppack \(no-such-package\) not installed: pip install"):
        yowasp.require("ecppack")
