"""``python -m boards report``: what it tells before a build and after it."""

import json

import pytest

from boards import __main__ as command
from boards import built, estimate, pcie, report, speed
from boards.catalogue import BOARDS
from boards.cells import UNITS, Figures
from boards.parts import PARTS
from boards.timing import CriticalPath, Routed
from golden.core_config import CoreConfig
from golden.fitting import smallest
from golden.layout import place
from golden.network import Conv, Dense, Network, lenet1_events

ARTY = ["--board", "arty_a7"]
PATH = CriticalPath("core.a", "core.b", 8.0, 12.0, 5, ())


@pytest.fixture(autouse=True)
def no_builds(monkeypatch, tmp_path):
    """No build folder of this checkout is looked at."""
    monkeypatch.setattr(report, "FOLDERS", tmp_path / "boards")


def run(*arguments):
    return command.main(["report", *map(str, arguments)])


def test_lenet_fits_an_arty_a7_100t_at_16_lanes(capsys):
    assert run(*ARTY) == 0
    text = capsys.readouterr().out
    for memory in (*CoreConfig().memory_shapes, "packets", "program"):
        assert f"\n{memory} " in text
    for phase in ("FORWARD", "GRADIENT", "BACKWARD", "ERROR", "LIF", "UPDATE", "recordings/s"):
        assert phase in text
    assert "Digilent Arty A7-100T, part xc7a100t" in text
    assert "UART, 12 Mbaud: " in text
    assert "PCIe stream: " in text
    assert "longest interval: k up to 10 in these memories, k up to " in text
    assert text.endswith("\nfits\n")
    assert "yosys" not in text


def test_report_says_which_limit_is_exceeded_and_by_how_much(capsys):
    assert run("--part", "xc7a35t", "--weight-rows", "5000", "--instructions", "64") == 1
    lines = capsys.readouterr().out.split("does not fit because\n")[1].splitlines()
    luts = estimate.estimate(CoreConfig(weight_rows=5000, instructions=64), PARTS["xc7a35t"])
    assert lines == [
        "  weight_rows: needs 5900, has 5000 (900 too many)",
        "  instructions: needs 81, has 64 (17 too many)",
        "  block RAM: needs 111.5, xc7a35t has 50",
        f"  LUT: about {luts.total.luts:,} expected, xc7a35t has 20,800",
    ]


def test_options_change_the_boards_configuration(capsys):
    assert run("--board", "ulx3s", "--classifier", "random", "--steps", "10", "--baud", "1e6") == 0
    text = capsys.readouterr().out
    assert "random classifiers, k = 10" in text
    assert "recording of 10 steps" in text
    assert "at 100 MHz" in text
    assert "UART, 1 Mbaud: " in text
    assert run("--board", "ulx3s", "--lanes", "4", "--interval", "2") == 1
    assert "core: P = 4, packing up to 2" in capsys.readouterr().out


def test_smallest_memories_are_full(capsys):
    assert run("--part", "xc7a200t", "--lanes", "32", "--smallest", "--interval", "7") == 0
    text = capsys.readouterr().out
    assert "P = 32" in text
    assert "k up to 7 in these memories" in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([*ARTY, "--clock", "0"], "clock must be above 0 Hz, not 0"),
        ([*ARTY, "--baud", "-1"], "baud must be above 0 bit/s, not -1"),
        ([*ARTY, "--steps", "0"], "steps must be at least 1, not 0"),
        ([*ARTY, "--lanes", "12"], "lanes must be a power of two, not 12"),
        ([*ARTY, "--network", "/does/not/exist.json"], "No such file"),
        (["--board", "de10"], "board must be one of arty_a7, "),
        (["--build", "/no/such/folder"], "No such file"),
    ],
)
def test_bad_options_are_named(arguments, text, capsys):
    assert run(*arguments) == 2
    assert capsys.readouterr().err.startswith("boards report: ")
    assert run(*arguments) == 2
    assert text in capsys.readouterr().err


def test_board_part_or_build_is_asked_for(capsys):
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "one of the arguments --board --part --build is required" in capsys.readouterr().err


def test_network_file(tmp_path, capsys):
    path = tmp_path / "net.json"
    network = Network((8, 8, 1), (Conv(4, 3), Dense(10)), 4, name="tiny")
    path.write_text(json.dumps(network.to_dict()))
    arguments = ["--network", path, "--interval", "3", "--steps", "7"]
    assert run(*ARTY, *arguments, "--encoding", "direct") == 0
    text = capsys.readouterr().out
    assert "network tiny" in text
    assert "MNIST's images" in text


def test_longest_interval_is_the_last_that_fits():
    network, config, part = lenet1_events(), CoreConfig(), PARTS["xc7a100t"]
    most = report.longest(network, config, part)
    assert estimate.excess(smallest(network, config, most), part) == []
    assert estimate.excess(smallest(network, config, most + 1), part) != []
    assert report.longest(network, config, PARTS["xc7a35t"]) == 0
    large = Network((64, 64, 16), (Conv(64, 3), Dense(2048)), 4)  # deeper than any core
    assert report.longest(large, config, part) == 0


def test_a_pcie_card_has_less_room_for_the_accelerator(capsys):
    assert run("--board", "litefury", "--link", "pcie", "--classifier", "random") == 0
    card = BOARDS["litefury"]
    text = capsys.readouterr().out
    assert f"{'block RAM':<12}{92:>10}{pcie.limits(card).ram:>10}" in text
    assert "core: P = 8" in text
    assert run("--board", "ulx3s", "--link", "pcie") == 2
    assert "boards report: ulx3s is no PCIe card" in capsys.readouterr().err
    assert run("--part", "xc7a100t", "--link", "pcie") == 2
    assert "--link goes with --board: a part has none" in capsys.readouterr().err


# ---- after a build


def write_build(folder, config, mapped=True, routed=True):
    folder.mkdir(parents=True, exist_ok=True)
    built.forget(folder)
    described = {"board": "ulx3s", "link": "uart", "clock": 40e6, "config": config.to_words()}
    (folder / built.CONFIG).write_text(json.dumps(described))
    if mapped:
        rows = {unit: [0, 0, 0, 0, 0] for unit in UNITS}
        rows |= {"core": [1000, 200, 3000, 150.0, 50], "link": [100, 0, 300, 44.0, 5]}
        (folder / built.MAPPED).write_text(json.dumps({"units": rows}))
    if routed:
        used = {"TRELLIS_COMB": (1500, 83640), "TRELLIS_FF": (3300, 83640), "DP16KD": (194, 208)}
        built.write_routed(folder, Routed(3, 50e6, 40e6, PATH, used))


def test_after_a_build_the_estimate_stands_beside_the_tools(tmp_path, capsys):
    write_build(tmp_path / "boards" / "ulx3s", BOARDS["ulx3s"].config)
    assert run("--board", "ulx3s", "--classifier", "random") == 0
    text = capsys.readouterr().out
    expected = estimate.estimate(BOARDS["ulx3s"].config, PARTS["lfe5u-85f"]).total
    luts = expected.luts
    assert f"LUT         {luts:>10,}{1300:>10,}{luts / 1300 - 1:>+10.1%}{1500:>10,}" in text
    assert f"block RAM   {192:>10}{194:>10}{192 / 194 - 1:>+10.1%}{194:>10}" in text
    assert "place and route: 50.0 MHz of 40.0 MHz, slack +5.00 ns" in text
    assert "critical path core.a -> core.b: 20.00 ns" in text


def test_a_build_of_another_configuration_is_not_taken_for_this_one(tmp_path, capsys):
    folder = tmp_path / "boards" / "ulx3s"
    write_build(folder, BOARDS["ulx3s"].config)
    run("--board", "ulx3s", "--weight-rows", "4096")
    assert "yosys" not in capsys.readouterr().out
    write_build(folder, BOARDS["ulx3s"].config.with_lanes(4), mapped=False, routed=False)
    run("--board", "ulx3s")
    assert "yosys" not in capsys.readouterr().out
    run("--build", folder)
    text = capsys.readouterr().out
    assert "core: P = 4" in text
    assert "yosys has not run here\nno place and route here" in text


def test_a_build_keeps_its_configuration(tmp_path, capsys):
    write_build(tmp_path / "x", BOARDS["ulx3s"].config)
    assert run("--build", tmp_path / "x", "--lanes", "4") == 2
    told = "--build has a configuration: leave --smallest and the numbers out"
    assert told in capsys.readouterr().err
    (tmp_path / "x" / built.CONFIG).write_text('{"board": "ulx3s"}')
    assert run("--build", tmp_path / "x") == 2
    assert "config.json must come from boards build: KeyError('config')" in capsys.readouterr().err


def test_results_of_an_earlier_build_are_forgotten(tmp_path):
    write_build(tmp_path, BOARDS["ulx3s"].config)
    assert built.read(tmp_path).mapped == Figures(1100, 200, 3300, 194.0, 55)
    built.forget(tmp_path)
    found = built.read(tmp_path)
    assert (found.units, found.placed, found.timing()) == ({}, None, "")


UTILISATION = """
+----------------------------+-------+-------+------------+-----------+-------+
|          Site Type         |  Used | Fixed | Prohibited | Available | Util% |
+----------------------------+-------+-------+------------+-----------+-------+
| Slice LUTs*                | 26000 |     0 |          0 |     63400 | 41.01 |
|   LUT as Logic             | 24900 |     0 |          0 |     63400 | 39.27 |
| Slice Registers            | 21000 |     0 |          0 |    126800 | 16.56 |
| Block RAM Tile | 125.5 |     0 |          0 |       135 | 92.96 |
| DSPs           |    79 |     0 |          0 |       240 | 32.92 |
"""
TIMING = """
| Design Timing Summary
| ---------------------
    WNS(ns)      TNS(ns)  TNS Failing Endpoints
    -------      -------  ---------------------
     -2.500     -120.400                     70
"""


def test_vivados_reports_are_read(tmp_path, capsys):
    write_build(tmp_path, CoreConfig(), mapped=False, routed=False)
    described = json.loads((tmp_path / built.CONFIG).read_text())
    described |= {"board": "arty_a7_100", "clock": 100e6}
    (tmp_path / built.CONFIG).write_text(json.dumps(described))
    for name, text in zip(built.VIVADO_FILES, (UTILISATION, TIMING), strict=True):
        (tmp_path / name).write_text(text)
    found = built.read(tmp_path)
    assert found.placed == Figures(26000, 0, 21000, 125.5, 79)
    assert found.timing() == "80.0 MHz of 100.0 MHz, slack -2.50 ns"
    run("--build", tmp_path)
    assert "critical path in top_timing.rpt" in capsys.readouterr().out
    built.forget(tmp_path)
    assert built.read(tmp_path).placed is None


def test_a_report_of_vivado_without_a_row_is_refused():
    with pytest.raises(ValueError, match=r"top_utilization_place\.rpt must have a row 'DSPs'"):
        built.parse_vivado(UTILISATION.replace("DSPs", "Else"), TIMING, 100e6)
    with pytest.raises(ValueError, match=r"top_timing.rpt must have a worst slack, WNS\(ns\)"):
        built.parse_vivado(UTILISATION, "", 100e6)


# ---- pictures


def png(path):
    """Width and height of a picture."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def test_picture_before_and_after_a_build(tmp_path, capsys):
    path = tmp_path / "report.png"
    assert run(*ARTY, "--plot", path) == 0
    before = path.read_bytes()
    assert min(png(path)) > 300
    write_build(tmp_path / "x", BOARDS["ulx3s"].config)
    assert run("--build", tmp_path / "x", "--classifier", "random", "--plot", path) == 0
    assert path.read_bytes() != before
    capsys.readouterr()


# ---- link


LENET = place(lenet1_events(), CoreConfig(), 10)


def test_link_is_the_limit_when_it_is_slower_than_the_core():
    load = speed.link_load(LENET, 30)
    slow, fast = (speed.speed_lines(LENET, 30, 100e6, baud) for baud in (115_200, 12e6))
    rate = 100e6 / load.cycles(10 * 100e6 / 115_200)
    assert any(f"busy 100% of the time, {rate:,.0f} recordings/s" in line for line in slow)
    assert not any("UART" in line and "busy 100%" in line for line in fast)


def test_unpacking_may_be_the_limit():
    layout = place(Network((64, 64, 2), (Dense(10),), 10), CoreConfig(map_bits=7), 10)
    assert "  unpacking frames is the limit, whatever the link" in speed.speed_lines(
        layout, 30, 100e6, 12e6
    )
