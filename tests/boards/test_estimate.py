"""The estimate of look-up tables against yosys's figures in ``boards/baselines.json``.

`test_mapping` holds one of them to the gateware, ``python -m boards baselines`` all.
"""

import json
from dataclasses import replace

import numpy as np
import pytest

from boards import baselines, estimate, pcie
from boards.catalogue import BOARDS
from boards.cells import UNITS, Figures
from boards.parts import LARGEST, PARTS
from golden.core_config import CoreConfig

STORED = {(size.family, size.name): size for size in estimate.stored()}


def off(size):
    """Relative error of the estimate, by resource."""
    guess, found = estimate.estimate(size.config, LARGEST[size.family]).total, size.total
    names = ("luts", "ff", "ram", "dsp")
    return {name: abs(getattr(guess, name) / getattr(found, name) - 1) for name in names}


@pytest.mark.parametrize("family", LARGEST)
@pytest.mark.parametrize("name", ["P4", "P8", "P16"])
def test_three_sizes_are_estimated(family, name):
    error = off(STORED[family, name])
    assert error["luts"] < 0.1
    assert error["ff"] < 0.15
    assert max(error["ram"], error["dsp"]) < 0.05


@pytest.mark.parametrize("key", [key for key, size in STORED.items() if not size.calibrates])
def test_sizes_that_nothing_is_fitted_to_are_estimated(key):
    error = off(STORED[key])
    assert error["luts"] < 0.2
    assert max(error["ram"], error["dsp"]) < 0.05


def test_every_board_has_figures_of_its_configuration():
    """Else: ``python -m boards baselines --write --only BOARD``."""
    for board in BOARDS.values():
        for config in (board.config, *([board.pcie.config] if board.pcie else [])):
            key = (config, board.limits.family)
            assert [s for s in STORED.values() if (s.config, s.family) == key], board.name


def test_what_yosys_maps_of_every_board_fits_its_part():
    cores = [(board.name, board.config, board.limits) for board in BOARDS.values()]
    cores += [
        (pcie.bitstream_name(board), board.pcie.config, pcie.limits(board))
        for board in BOARDS.values()
        if board.pcie
    ]
    by_core = {(size.config, size.family): size.total for size in STORED.values()}
    for name, config, part in cores:
        found = by_core[config, part.family]
        taken = (found.luts, found.ff, found.ram, found.dsp)
        assert all(np.less_equal(taken, (part.lut, part.ff, part.ram, part.dsp))), (name, found)


def test_every_wanted_size_is_stored():
    for size in baselines.wanted():
        found = STORED[size.family, size.name]
        assert found.config == size.config, f"{size.name}: baselines --write stores it anew"
        assert found.calibrates == size.calibrates
        assert set(found.units) == set(UNITS)
    assert len(STORED) == len(baselines.wanted())


def test_estimate_grows_with_lanes_widths_and_depths():
    part = PARTS["xc7a100t"]
    luts = {p: estimate.estimate(CoreConfig().with_lanes(p), part).total.luts for p in (8, 16, 32)}
    assert luts[8] < luts[16] < luts[32] < 2 * luts[16]
    narrow = baselines.lenet_core(8, formats=baselines.NARROW)
    assert estimate.estimate(narrow, part).total.luts < 0.9 * luts[8]
    expected = estimate.estimate(CoreConfig(), part)
    assert expected.total.lut == pytest.approx(sum(u.lut for u in expected.units.values()), abs=9)
    assert expected.total.ff == pytest.approx(sum(u.ff for u in expected.units.values()), abs=9)


def test_small_memories_take_their_best_shape():
    config = CoreConfig(layers=8, instructions=64)
    tables = 2 * 4 * -(-380 // 6) - 4  # both readers' columns in one row of cells
    assert tables <= estimate.small_memory_luts(config, "xc7") < 1100
    assert estimate.small_memory_luts(config, "ecp5") > tables


def test_constants_are_the_ones_that_made_the_values():
    rows = [(1.0, 5.0), (2.0, 3.0), (4.0, 9.0), (8.0, 1.0)]
    values = [10 + 3 * x + 0.5 * y for x, y in rows]
    assert estimate.constants(rows, values) == pytest.approx([10, 3, 0.5])


def test_no_constant_is_negative():
    found = estimate.constants([(1.0,), (2.0,), (3.0,)], [10.0, 20.0, 29.0])
    assert min(found) >= 0
    assert estimate.constants([(1.0,), (2.0,)], [20.0, 10.0])[1] == 0
    assert np.isfinite(estimate.constants([(0.0,), (0.0,)], [5.0, 5.0])).all()


def test_excess_counts_look_up_tables():
    part = PARTS["xc7a35t"]
    config = baselines.lenet_core(16)
    luts = estimate.estimate(config, part).total.luts
    assert f"LUT: about {luts:,} expected, xc7a35t has 20,800" in estimate.excess(config, part)
    assert estimate.excess(BOARDS["arty_a7_35"].config, part) == []


def test_a_file_that_is_not_one_of_baselines_is_refused(tmp_path):
    path = tmp_path / "baselines.json"
    path.write_text('{"sizes": [{"name": "P4"}]}')
    with pytest.raises(ValueError, match=r"baselines.json must come from baselines --write: KeyEr"):
        estimate.stored(path)


def test_too_few_sizes_are_refused(monkeypatch):
    one = next(iter(estimate.stored()))
    monkeypatch.setattr(estimate, "stored", lambda: (one,))
    estimate.fitted.cache_clear()
    with pytest.raises(
        ValueError, match=r"must hold at least 2 calibration sizes of ecp5, not 0: python -m boards"
    ):
        estimate.estimate(CoreConfig(), PARTS["lfe5u-85f"])


# ---- python -m boards baselines


@pytest.fixture
def copied(monkeypatch, tmp_path):
    """A copy of the stored figures that `baselines` may write to."""
    path = tmp_path / "baselines.json"
    path.write_text(estimate.STORED.read_text(encoding="utf-8"), encoding="utf-8")
    read = estimate.stored
    monkeypatch.setattr(baselines, "STORED", path)

    def stored():
        return read.__wrapped__(path)

    stored.cache_clear = lambda: None
    monkeypatch.setattr(estimate, "stored", stored)
    yield path
    estimate.fitted.cache_clear()


def pretend(monkeypatch, **changes):
    """Let yosys find the stored figures, one unit of them changed."""

    def measure(size):
        units = dict(STORED[size.family, size.name].units)
        units["lif"] += Figures(**changes)
        return replace(size, units=units)

    monkeypatch.setattr(baselines, "measure", measure)


def test_equal_figures_pass(copied, monkeypatch, capsys):
    pretend(monkeypatch)
    assert baselines.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(STORED)


def test_a_regression_ends_with_1_and_is_named(copied, monkeypatch, capsys):
    pretend(monkeypatch, dsp=1)
    assert baselines.main(["--only", "arty_a7_100"]) == 1
    assert "dsp: stored 79, now 80 (+1.3%, tolerance 0%)" in capsys.readouterr().out
    lut = STORED["xc7", "P4"].total.lut
    for more, status in ((round(0.02 * lut), 0), (round(0.04 * lut), 1), (-round(0.04 * lut), 1)):
        pretend(monkeypatch, lut=more)
        assert baselines.main(["--only", "P4", "--jobs", "1"]) == status
    told = f"lut: stored {lut:,}, now {lut + more:,} (-4.0%, tolerance 3%)"
    assert told in capsys.readouterr().out


def test_write_stores_what_was_found(copied, monkeypatch, capsys):
    pretend(monkeypatch, ff=5000)
    assert baselines.main(["--only", "ulx3s,P4", "--write"]) == 0
    rows = json.loads(copied.read_text())["sizes"]
    assert [row["name"] for row in rows] == [size.name for size in baselines.wanted()]
    before = {key: size.units["lif"].ff for key, size in STORED.items()}
    grown = [
        row["name"]
        for row in rows
        if row["units"]["lif"][2] == before[row["family"], row["name"]] + 5000
    ]
    assert grown == ["P4", "P4", "ulx3s ecpix5"]
    capsys.readouterr()


def test_another_configuration_has_no_stored_figures(copied, monkeypatch, capsys):
    pretend(monkeypatch)
    monkeypatch.setattr(type(BOARDS["ulx3s"]), "config", CoreConfig(lanes=8, pack_max=2))
    monkeypatch.setattr(baselines, "measure", lambda size: replace(
        size, units=STORED["ecp5", "P8"].units))  # fmt: skip
    assert baselines.main(["--only", "ulx3s"]) == 1
    assert "nothing is stored of this configuration: --write" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--only", "P4,de10"], "--only must name boards and sizes of P4, P8, P16, "),
        (["--jobs", "0"], "jobs must be at least 1, not 0"),
    ],
)
def test_wrong_options_are_named(options, text, capsys):
    assert baselines.main(options) == 2
    assert f"boards baselines: {text}" in capsys.readouterr().err


def test_a_failure_of_yosys_ends_with_2(monkeypatch, capsys):
    def fail(size):
        raise baselines.SynthesisError("no yosys")

    monkeypatch.setattr(baselines, "measure", fail)
    assert baselines.main(["--only", "P4"]) == 2
    assert capsys.readouterr().err == "boards baselines: no yosys\n"
