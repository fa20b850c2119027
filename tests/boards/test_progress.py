"""What a log of nextpnr says of how far it is."""

import pytest

from boards.progress import TAIL, stage

LOG = """\
Info: Packing carries...
Info:     at initial placer iter 3, wirelen = 11181
Info:     at iteration #18, type ALL: wirelen solved = 217177, spread = 440189; time = 7.45s
Info: Running simulated annealing placer for refinement.
Info:   at iteration #25: temp = 0.000000, timing cost = 2831, wirelen = 402832
Info: Routing 146692 arcs.
Info:            |   (re-)routed arcs  |   delta    | remaining|       time spent     |
Info:      22000 |     3791      18208 |  118   882 |    138966|       0.67      19.83|
Info: Routing complete.
""".splitlines(keepends=True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (1, "packing"),
        (2, "placing, first pass 3"),
        (3, "placing, pass 18"),
        (4, "placing, pass 18"),
        (5, "refining the placement, pass 25"),
        (7, "routing, 146,692 arcs left"),
        (9, "routing, 138,966 arcs left"),
    ],
)
def test_the_last_line_that_tells_counts(tmp_path, lines, expected):
    log = tmp_path / "seed1.log"
    assert stage(log) == "waiting"
    log.write_text("".join(LOG[:lines]))
    assert stage(log) == expected
    log.write_text("x" * TAIL + "\n" + "".join(LOG[:lines]))
    assert stage(log) == expected
