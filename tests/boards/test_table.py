"""``python -m boards table``: which P each part takes with a network resident."""

import json

import pytest

from boards import __main__ as command
from boards import estimate, table
from boards.catalogue import BOARDS
from boards.parts import PARTS
from boards.report import longest
from golden.fitting import smallest
from golden.network import Conv, Dense, Network, lenet1_events


@pytest.fixture(scope="module")
def lenet():
    """Text and choices of LeNet-1 at k = 10."""
    return table.tables("lenet1", 10)


def test_every_board_and_lane_count_has_its_row(lenet):
    text, choices = lenet
    for board in BOARDS:
        assert board in text
    lines = text.splitlines()
    assert sum(line.startswith(("| Artix-7 |", "| ECP5 |")) for line in lines) == 2 * 2 * 4
    assert len(choices) == len(table.parts_of_boards()) * 2 * 4
    assert {line.count("|") for line in lines if line.startswith("| Artix-7")} == {10}


def test_what_fits_is_what_the_estimate_says(lenet):
    text, choices = lenet
    for found in choices:
        assert list(found.problems) == estimate.excess(found.config, found.part)
        assert bool(found.problems) == (found.longest < 10)
    fits = {(c.part.name, c.classifier, c.config.lanes) for c in choices if not c.problems}
    assert ("xc7a100t", "trainable", 16) in fits
    assert ("lfe5u-85f", "random", 8) in fits
    assert ("lfe5u-85f", "trainable", 8) not in fits
    assert not any(part == "xc7a35t" for part, _, _ in fits)
    assert text.count("**fits**") == len(fits)


def test_lanes_per_block_ram_and_multiplier(lenet):
    text, choices = lenet
    found = next(c for c in choices if (c.part.family, c.config.lanes) == ("xc7", 16))
    row, lanes = found.needs, found.config.lanes
    expected = (
        f"| Artix-7 | trainable | 16 | {row.ram:g} | {lanes / row.ram:.3f} | {row.dsp} "
        f"| {lanes / row.dsp:.2f} | {row.luts:,} | {row.ff:,} |"
    )
    assert expected in text.splitlines()


def test_parts_with_equal_limits_are_one():
    found = {part.name: names for part, names in table.parts_of_boards().items()}
    assert found["lfe5u-85f"] == ["ulx3s", "ecpix5"]
    assert found["xc7a100t"] == ["arty_a7_100", "litefury"]


def test_longest_interval_is_the_last_that_fits():
    part, network = PARTS["xc7a100t"], lenet1_events()
    found = table.choice(network, 16, part, 10)
    most = longest(network, found.config, part)
    assert found.longest == most
    assert estimate.excess(smallest(network, found.config, most), part) == []
    assert estimate.excess(smallest(network, found.config, most + 1), part) != []


def test_command_prints_and_draws(tmp_path, capsys):
    path = tmp_path / "table.png"
    network = tmp_path / "net.json"
    network.write_text(json.dumps(Network((8, 8, 1), (Conv(4, 3), Dense(10)), 4).to_dict()))
    assert command.main(["table", "--network", str(network), "--plot", str(path)]) == 0
    assert capsys.readouterr().out.startswith("| family | classifiers | P |")
    assert path.read_bytes()[:4] == b"\x89PNG"


def test_wrong_options_are_named(capsys):
    assert command.main(["table", "--network", "/no/such"]) == 2
    assert "boards table: " in capsys.readouterr().err
