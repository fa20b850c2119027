"""``python -m boards synth``: text and exit statuses; `test_mapping` runs yosys."""

from collections import Counter

import pytest

from boards import estimate, synth
from boards.cells import Cells
from boards.parts import PARTS
from golden.core_config import CoreConfig

FOUND = Cells(
    {
        "core.lif": Counter(LUT6=40, FDRE=7, DSP48E1=16, RAM32M=2),
        "core.wires": Counter(),
        "link": Counter(RAMB36E1=125, RAMB18E1=1),
    }
)


@pytest.fixture
def made(monkeypatch):
    """What yosys is asked for; it finds `FOUND`."""
    asked = []

    def synthesise(component, name, family="xc7", *, map_luts=True):
        asked.append((component, family))
        return FOUND

    monkeypatch.setattr(synth, "accelerator", lambda config, part: (config.lanes, part.multiplier))
    monkeypatch.setattr(synth, "synthesise", synthesise)
    return asked


def test_modules_and_sums_stand_beside_the_estimate(made, capsys):
    assert synth.main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines[:3]] == [
        ["module", "block", "RAM", "DSP", "LUT", "LUT", "RAM", "FF"],
        ["core.lif", "0", "16", "40", "8", "7"],
        ["link", "125.5", "0", "0", "0", "0"],
    ]
    expected = estimate.estimate(CoreConfig(), PARTS["xc7a100t"]).total
    guess = ["estimate", "125.5", "79", f"{expected.lut:,}", f"{expected.memory:,}"]
    assert [line.split() for line in lines[-3:]] == [
        ["yosys", "125.5", "16", "40", "8", "7"],
        [*guess, f"{expected.ff:,}"],
        ["xc7a100t", "135", "240", "63,400", "0", "126,800"],
    ]


def test_ecp5_is_mapped_with_its_own_multipliers(made, capsys):
    assert synth.main(["--part", "lfe5u-85f", "--lanes", "4", "--pack-max", "1"]) == 0
    assert made == [((4, 18), "ecp5")]
    assert capsys.readouterr().out.startswith("unit ")


def test_failures_end_with_1(monkeypatch, capsys):
    assert synth.main(["--lanes", "12"]) == 1
    assert "boards synth: lanes must be a power of two, not 12" in capsys.readouterr().err

    def broken(*arguments):
        raise synth.SynthesisError("yosys failed")

    monkeypatch.setattr(synth, "accelerator", broken)
    assert synth.main([]) == 1
    assert capsys.readouterr().err == "boards synth: yosys failed\n"
