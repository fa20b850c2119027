import pytest

from boards import fit, speed
from boards.parts import PARTS
from golden.core_config import CoreConfig
from golden.estimate import any_of, estimate
from golden.layout import place
from golden.memories import memory_use, training_over_inference
from golden.network import lenet1_events
from golden.walk_cycles import DRAIN, FIRST_ROW
from host.packing import encode_frame
from host.protocol.packets import Packet

LENET = place(lenet1_events(), CoreConfig(), 10)


def test_memory_bits_are_the_configurations():
    shapes = CoreConfig().memory_shapes
    for use in memory_use(LENET)[:-1]:
        assert (use.depth, use.width) == shapes[use.name]
        assert use.useful <= use.used * use.width
        assert use.used <= use.depth


def test_training_memory_is_a_multiple_of_inference_memory():
    used, built = training_over_inference(LENET)
    assert 1.5 < used < 3
    assert 1.5 < built < 3


def test_block_rams_take_the_best_shape():
    part = PARTS["xc7a100t"]
    assert part.rams(512, 72) == 1
    assert part.rams(512, 36) == 0.5
    assert part.rams(4096, 8) == 1
    assert part.rams(1024, 37) == 1.5


def test_every_memory_in_block_ram_is_named():
    assert list(fit.block_memories(CoreConfig())) == [
        *CoreConfig().memory_shapes, "packets", "program",
    ]  # fmt: skip


def test_estimate_grows_with_the_activity_and_names_every_phase():
    few, many = (estimate(LENET, 30, input_spikes=density) for density in (0.02, 0.06))
    assert many.cycles["conv1", "FORWARD"] == pytest.approx(
        3 * few.operations["conv1", "FORWARD"] + 30 * (FIRST_ROW + DRAIN)
    )
    assert many.cycles["conv2", "FORWARD"] == few.cycles["conv2", "FORWARD"]
    assert set(many.by_phase()) == {
        "CLEAR", "FORWARD", "POOL", "LIF", "LOSS", "ERROR", "GRADIENT", "BACKWARD", "UPDATE",
    }  # fmt: skip
    assert 200_000 < many.total < 500_000
    assert any_of(0.5, 2) == 0.75


def test_expected_frame_is_the_shorter_coding():
    assert speed.frame_bytes(1568, 0.5) == 1 + 196
    assert speed.frame_bytes(1568, 0.056) == pytest.approx(1 + 2 + 1568 * 0.056, abs=0.1)


def test_link_load_counts_every_byte_of_its_packets():
    load = speed.link_load(LENET, 30)
    frames = 30 * speed.frame_bytes(28 * 28 * 2, 0.056)
    assert frames < load.sent < frames + 250
    assert 3 * 3 * 16 < load.received < 300
    assert load.baud(1e6, 100e6) < load.baud(4e5, 100e6)
    assert load.baud(load.loading, 100e6) == float("inf")


def test_real_codings_agree_with_the_expected_size():
    import numpy as np

    rng = np.random.default_rng(0)
    for density in (0.01, 0.056, 0.3):
        sizes = [
            len(encode_frame((rng.random((28, 28, 2)) < density).astype(np.uint8)))
            for _ in range(50)
        ]
        assert np.mean(sizes) == pytest.approx(speed.frame_bytes(1568, density), rel=0.1)


def test_every_request_has_the_framing_that_the_load_counts():
    from host.link import encode

    for kind in Packet:
        assert len(encode(kind, 1, bytes(20))) - 20 <= speed.FRAMING + 4  # a CRC may be escaped
