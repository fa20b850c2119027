"""The report of nextpnr, as it is written for a routed accelerator."""

import json

import pytest

from boards.timing import TimingError, parse, signal_name

CLOCK = "$glbnet$clocking.pll.o"


def step(kind, delay, start, end, *sources):
    found = {"type": kind, "delay": delay, "from": {"cell": start}, "to": {"cell": end}}
    return found | ({"sources": list(sources)} if sources else {})


FIRST, ADDER = "accelerator.accelerator.core.walker.y_TRELLIS_FF_Q_3", "accelerator.x_CCU2C_S0"
LAST = "accelerator.accelerator.core.walker.product_TRELLIS_FF_Q_119_DI_LUT4_Z_C"
PATH = [
    step("clk-to-q", 0.5, FIRST, FIRST),
    step("routing", 1.0, FIRST, ADDER, "/share/cells.v:1.2", "/elsewhere/hw/walker.py:125"),
    step("logic", 4.0, ADDER, ADDER),
    step("routing", 2.0, ADDER, LAST, "/elsewhere/hw/walker.py:125", "/elsewhere/hw/lif.py:7"),
    step("setup", 0.5, LAST, LAST),
]
EDGE = f"posedge {CLOCK}"


def text(achieved=125.0, constraint=50.0, paths=None, clocks=None):
    paths = [{"from": EDGE, "to": EDGE, "path": PATH}] if paths is None else paths
    fmax = {CLOCK: {"achieved": achieved, "constraint": constraint}} if clocks is None else clocks
    return json.dumps(
        {
            "fmax": fmax,
            "critical_paths": [{"from": "<async>", "to": EDGE, "path": []}, *paths],
            "utilization": {
                "TRELLIS_COMB": {"used": 18439, "available": 83640},
                "DP16KD": {"used": 17, "available": 208},
                "DCUA": {"used": 0, "available": 2},
            },
        }
    )


def test_path_is_named_by_signals_and_lines_of_the_gateware():
    found = parse(text(), 50e6, 7)
    assert (found.path.start, found.path.end) == ("core.walker.y", "core.walker.product")
    assert (found.path.logic, found.path.routing, found.path.levels) == (5.0, 3.0, 1)
    assert found.path.lines == ("hw/walker.py:125", "hw/lif.py:7")
    assert str(found.path) == (
        "core.walker.y -> core.walker.product: 8.00 ns (5.00 logic, 3.00 routing, 1 cells)\n"
        "  through hw/walker.py:125, hw/lif.py:7"
    )


def test_slack_and_utilisation():
    found = parse(text(), 50e6, 7)
    assert found.clock == 125e6
    assert found.slack == pytest.approx(12.0)
    found.check()
    assert found.utilisation() == "LUT4 18,439 of 83,640, block RAM 17 of 208"


def test_negative_slack_fails_and_names_the_path():
    found = parse(text(achieved=40.0), 50e6, 7)
    with pytest.raises(
        TimingError,
        match=r"timing fails: 40.0 MHz of 50.0 MHz, slack -5.00 ns \(seed 7\); no bitstream is "
        r"written\ncritical path core.walker.y -> core.walker.product: 8.00 ns",
    ):
        found.check()


def test_the_clock_of_the_accelerator_is_the_one_with_its_constraint():
    other = {"achieved": 300.0, "constraint": 25.0}
    clocks = {"osc": other, CLOCK: {"achieved": 60.0, "constraint": 50.0}}
    assert parse(text(clocks=clocks), 50e6, 1).clock == 60e6


def test_a_report_without_clock_or_path_is_refused():
    with pytest.raises(ValueError, match="the report of nextpnr has no clock"):
        parse(text(clocks={}), 50e6, 1)
    with pytest.raises(ValueError, match=r"has no path of the clock '\$glbnet"):
        parse(text(paths=[]), 50e6, 1)


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("accelerator.accelerator.link.queue.outstanding_TRELLIS_FF_Q", "link.queue.outstanding"),
        ("accelerator.accelerator.core.state.array.0.0", "core.state.array"),
        ("accelerator.receiver.synchroniser.stage0_TRELLIS_FF_Q", "receiver.synchroniser.stage0"),
        ("accelerator.accelerator.core.lif.x_CCU2C_S1$CCU2_COMB0", "core.lif.x"),
        ("accelerator.accelerator.core.update.p_MULT18X18D_P7_1", "core.update.p"),
    ],
)
def test_cells_are_named_by_their_signal(cell, name):
    assert signal_name(cell) == name
