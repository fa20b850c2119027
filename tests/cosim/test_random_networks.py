"""Generated networks on virtual boards of several configurations: all equals golden.

``pytest tests/cosim/test_random_networks.py --examples 200 --seeds 10 20`` tries more, ``make soak
MINUTES=60`` as many as there is time for.
"""

import pytest

from tests.cosim.against_golden import compare
from tests.cosim.boards import CONFIGS, open_board
from tests.cosim.cases import cases, generated
from tests.cosim.tally import note


@pytest.mark.parametrize("name", CONFIGS)
def test_board_equals_golden(name, seed, pytestconfig):
    option = pytestconfig.getoption
    tally = option("--tally")

    @generated(cases(CONFIGS[name]), seed, option("--examples"), not option("--no-shrink"))
    def check(case):
        with open_board(name) as board:
            model, counters = compare(board, case)
        if tally is not None:
            note(tally, name, case, model, counters)

    check()
