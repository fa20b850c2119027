"""What the boards' files say, against Amaranth's pins and the limits of their parts."""

from dataclasses import replace

import pytest

from boards import fit
from boards.board import BoardError
from boards.catalogue import ALIASES, BOARDS, board_named
from boards.top import BoardTop
from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import Conv, Dense, Network, lenet1_events
from hw.link.uart import rate_error
from tests.hw.stub_core import StubCore

SMALL = CoreConfig(
    lanes=4, pack_max=1, weight_rows=64, neuron_words=32, error_words=32, drive_words=0,
    spike_words=32, mask_words=32, frame_words=16, class_groups=1, layers=4, instructions=16,
    map_bits=3, group_bits=1, packet_bytes=128,
)  # fmt: skip


def each_board(function):
    return pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)(function)


def prepared(board, target=None, core=None):
    """Files that Amaranth makes of a board with a stand-in core."""
    pytest.importorskip("amaranth_boards", reason="needs amaranth-boards")
    options = {"toolchain": "Vivado"} if board.part.startswith("xc7") else {}
    top = BoardTop(board, SMALL, target, core or StubCore(SMALL))
    return board.platform(**options).prepare(top, "top").files


@each_board
def test_default_configuration_fits_the_part(board):
    assert fit.part_excess(board.config, board.limits) == []


@pytest.mark.parametrize("name", ["ulx3s", "ecpix5"])
def test_ecp5_holds_lenet_with_random_classifiers_only(name):
    config = BOARDS[name].config
    place(replace(lenet1_events(), classifier="random"), config, 10).check()
    with pytest.raises(ValueError, match="weight_rows: needs"):
        place(lenet1_events(), config, 10).check()


def test_the_small_artix_holds_a_small_network():
    network = Network((16, 16, 2), (Conv(8, 5, stride=2), Dense(64)), 10)
    place(network, BOARDS["arty_a7_35"].config, 10).check()


@each_board
def test_clock_can_be_made_and_divided_for_the_uart(board):
    clock = board.made_clock(board.target)
    assert clock == board.target
    assert abs(rate_error(float(clock), board.baud)) < 1e-3


@each_board
def test_pins_are_those_of_amaranth_boards(board):
    files = prepared(board)
    text = files["top.xdc"] if "top.xdc" in files else files["top.lpf"]
    platform = board.platform()
    assert platform.default_clk == board.clock_name
    assert platform.default_clk_frequency == board.clock
    pins = (*board.leds, *board.high)
    for resource in (board.clock_name, "uart", *(pin.resource for pin in pins)):
        assert f"{resource}_0__" in text
    leds = {(pin.resource, pin.number, pin.part) for pin in board.leds}
    assert len(leds) == 3
    device = f"{platform.device}".lower()
    assert device.rstrip("i") == board.part


@pytest.mark.parametrize(
    ("name", "target", "plls"),
    [("ecpix5", 100_000_000, 0), ("ecpix5", 60_000_000, 1), ("arty_a7_35", 80_000_000, 1)],
)
def test_a_clock_of_the_oscillator_needs_no_pll(name, target, plls):
    files = prepared(BOARDS[name], target)
    text = files["top.il"] if "top.il" in files else files["top.v"]
    assert text.count("cell \\EHXPLLL") + text.count("MMCME2_BASE ") == plls


def test_names_and_aliases():
    assert board_named("arty_a7") is BOARDS["arty_a7_100"]
    assert set(ALIASES.values()) <= set(BOARDS)
    assert all(board.name == name for name, board in BOARDS.items())
    with pytest.raises(ValueError, match=r"board must be one of arty_a7, .*, not 'de10'"):
        board_named("de10")


def test_missing_amaranth_boards_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "amaranth_boards.ulx3s", None)
    with pytest.raises(BoardError, match=r"the pins of ulx3s come from amaranth-boards: pip"):
        BOARDS["ulx3s"].platform()


def test_uart_too_fast_for_a_clock_is_refused():
    with pytest.raises(ValueError, match=r"baud must be at most clock / 5"):
        BOARDS["arty_a7_100"].made_clock(50_000_000)


def test_multipliers_of_a_wide_state_count_twice_on_ecp5():
    config = CoreConfig()
    assert fit.multipliers(config)["lif"] == 16
    assert fit.multipliers(config, 18)["lif"] == 32
