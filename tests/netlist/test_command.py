"""``python -m tests.netlist``: what is run, what is told, and with which status it ends."""

import re
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from boards.catalogue import BOARDS
from boards.yowasp import ToolError
from host.transport.base import TransportError
from tests.netlist import __main__ as command
from tests.netlist import netlist
from tests.netlist.cases import CASES, CONFIG


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """A netlist that is not built and equals golden; returns what was built and compared."""
    built, compared = [], []

    def build(config, folder, family, **options):
        built.append((config, family, options["tables"]))
        folder.mkdir(exist_ok=True)
        (folder / "stat.txt").write_text("submodules.\n  |\n  14   DP16KD\n")

    board = SimpleNamespace(transport=SimpleNamespace(cycles=1000))
    monkeypatch.setattr(netlist, "build", build)
    monkeypatch.setattr(netlist, "open_board", lambda library, config: nullcontext(board))
    monkeypatch.setattr(command, "compare", lambda board, case: compared.append(case))
    monkeypatch.setattr(
        netlist, "noticed", lambda library, config, fault, cases: "x" if fault % 2 else ""
    )

    def run(*options):
        return command.main(["--out", str(tmp_path / "out"), *map(str, options)])

    return run, built, compared


WITHOUT = "without 'random': network 'network' with k = 3 does not fit P = 8: drive_words: needs 8"
"""What is said of a board that has no memory for images."""


@pytest.mark.parametrize(
    ("board", "family", "fixed"),
    [("ulx3s", "ecp5", ["trained"]), ("arty_a7_100", "xc7", ["trained", "random"])],
)
def test_a_boards_configuration_is_built_and_compared(
    pretended, board, family, fixed, capsys
):  # fmt: skip
    run, built, compared = pretended
    assert run("--board", board, "--examples", 3, "--tables", 5) == 0
    assert built == [(BOARDS[board].config, family, 5)]
    assert compared[: len(fixed)] == [CASES[name] for name in fixed]
    text = capsys.readouterr().out
    assert "14   DP16KD" in text
    assert f"{len(compared)} networks equal golden, {len(compared) * 1000:,} cycles" in text
    assert len(compared) == len(fixed) + 3
    assert (WITHOUT in text) == ("random" not in fixed)
    assert "3 of 5 broken look-up tables are noticed" in text


@pytest.mark.parametrize("family", [None, "ecp5", "xc7"])
def test_any_configuration_can_be_given(pretended, family):
    run, built, compared = pretended
    options = []
    for name, value in CONFIG.to_words().items():
        options += ["--" + name.replace("_", "-"), value]
    options += ["--family", family] if family else []
    assert run(*options, "--examples", 0) == 0
    assert built == [(CONFIG, family or "ecp5", 0)]
    assert len(compared) == len(CASES)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--board", "de10"), "board must be one of arty_a7, "),
        (("--board", "ulx3s", "--family", "xc7"), "leave out --family: --board has one"),
    ],
)
def test_wrong_options_end_with_2(pretended, options, message, capsys):
    run, built, _ = pretended
    assert run(*options) == 2
    assert message in capsys.readouterr().err
    assert not built


@pytest.mark.parametrize(
    "error",
    [ToolError("yosys ended"), AssertionError("weights differ"), TransportError("no answer")],
)
def test_a_difference_or_a_tool_that_fails_ends_with_1(pretended, monkeypatch, error, capsys):
    def fail(*arguments):
        raise error

    run, *_ = pretended
    monkeypatch.setattr(command, "compare", fail)
    assert run("--board", "ulx3s") == 1
    assert capsys.readouterr().err == f"netlist: {error}\n"


@pytest.mark.parametrize("family", netlist.FAMILIES)
def test_chosen_look_up_tables_can_be_broken(family):
    text = "".join(f"  LUT4 #(\n    .INIT(16'h{i:04x})\n  ) _{i}_ ();\n" for i in range(40))
    broken = netlist.with_faults(text, family, 10)
    assert [f".FAULT({number}), .INIT" in broken for number in range(2, 14)] == [
        False, *[True] * 10, False,
    ]  # fmt: skip
    assert (broken.count("LUT4_FAULT #("), broken.count("LUT4 #(")) == (10, 30)
    assert re.findall(r"16'h\w+", broken) == re.findall(r"16'h\w+", text)
    assert netlist.with_faults(text, family, 0) == text
