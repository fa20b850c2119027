"""Frame loader against the layout of golden, for both codings and several packings."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.layout import map_layout
from host.packing import _gap_bytes, decode_frame, encode_frame
from host.protocol.packets import Coding
from hw.interfaces import entry_layout
from hw.link.frame_loader import FrameLoader
from tests.hw.link.streams import PRESSURES, generator, simulate

BASE = CoreConfig(lanes=8, pack_max=2, frame_words=96, map_bits=4, group_bits=3)
MAPS = [
    (8, (5, 7, 2)),
    (8, (4, 9, 1)),
    (8, (3, 3, 3)),
    (8, (3, 2, 8)),
    (8, (2, 3, 20)),
    (8, (1, 1, 21)),
    (4, (3, 5, 4)),
    (16, (6, 6, 2)),
]


def bitmap(frame):
    return bytes([Coding.BITMAP]) + np.packbits(frame.reshape(-1), bitorder="little").tobytes()


def gaps(frame):
    data = _gap_bytes(np.flatnonzero(frame))
    return bytes([Coding.GAPS]) + len(data).to_bytes(2, "little") + data


def entries_of(frame, placed, config):
    """List entries of a frame as the contract describes them."""
    lanes = placed.to_lanes(frame.astype(np.int64))
    layout, entries = entry_layout(config), []
    for word, bits in enumerate(lanes):
        last = word == placed.words - 1
        if not bits.any() and not last:
            continue
        rest, g = divmod(word, placed.groups)
        y, x = divmod(rest, placed.x_words)
        values = {"bits": sum(int(b) << i for i, b in enumerate(bits)), "y": y, "x": x, "g": g}
        entries.append(layout.const({**values, "last": int(last)}).as_value().value)
    return entries


def load(config, placed, chunks, slot=0, pressure="none", seed=0):
    """Load (first, count, payload) chunks; return written words, and (failed, loaded) of each."""
    dut = FrameLoader(config)
    rng = generator("loader", seed, pressure)
    written, results = {}, []
    height, width, channels = placed.shape
    row0 = {
        "height": height, "width": width, "channels": channels, "pack": placed.pack,
        "x_words": placed.x_words, "groups": placed.groups, "spike_stride": placed.words,
    }  # fmt: skip

    async def drive(ctx):
        for name, value in row0.items():
            ctx.set(dut.map[name], value)
        ctx.set(dut.slot, slot)
        for first, count, payload in chunks:
            ctx.set(dut.first, first)
            ctx.set(dut.count, count)
            ctx.set(dut.start, 1)
            ctx.set(dut.bytes.valid, 0)
            ctx.set(dut.empty, not payload)
            await ctx.tick()
            ctx.set(dut.start, 0)
            position, held = 0, False
            for _ in range(20000):
                held = held or rng.random() >= PRESSURES[pressure]
                valid = held and position < len(payload)
                ctx.set(dut.empty, position == len(payload))
                ctx.set(dut.bytes.valid, valid)
                ctx.set(dut.bytes.payload, payload[position] if valid else rng.randrange(256))
                *_, ready, done, failed = await ctx.tick().sample(
                    dut.bytes.ready, dut.done, dut.failed
                )
                if valid and ready:
                    position, held = position + 1, False
                if done:
                    break
            else:
                raise AssertionError("loader does not end")
            ctx.set(dut.bytes.valid, 0)
            await ctx.tick()
            results.append((bool(failed), ctx.get(dut.loaded)))

    async def watch(ctx):
        port = dut.frame_write
        async for *_, enable, address, data in ctx.tick().sample(
            port.enable, port.address, port.data
        ):
            if enable:
                written[address] = data  # noqa: PERF403 - no comprehension over `async for` here

    simulate(dut, drive, background=[watch])
    return written, results


def case(lanes, shape, density, steps, seed):
    config = replace(BASE, lanes=lanes, pack_max=1 if lanes == 4 else 2)
    placed = map_layout(shape, lanes, int(math.log2(lanes)))
    rng = np.random.default_rng(seed)
    return config, placed, (rng.random((steps, *shape)) < density).astype(np.uint8)


@pytest.mark.parametrize("coding", [bitmap, gaps], ids=["bitmap", "gaps"])
@pytest.mark.parametrize("density", [0, 0.05, 0.6, 1])
@pytest.mark.parametrize(("lanes", "shape"), MAPS)
def test_entries_equal_the_layout(lanes, shape, density, coding):
    config, placed, frames = case(lanes, shape, density, 2, seed=5)
    slot = sum(shape) % 2
    payload = b"".join(coding(frame) for frame in frames)
    written, results = load(config, placed, [(0, 2, payload)], slot)
    expected = {}
    for step, frame in enumerate(frames):
        base = slot * config.frame_words + step * placed.words
        expected |= dict(enumerate(entries_of(frame, placed, config), base))
    assert results == [(False, 2)]
    assert written == expected


@pytest.mark.parametrize("pressure", PRESSURES)
def test_pressure_changes_nothing_and_steps_go_on(pressure):
    config, placed, frames = case(8, (5, 7, 2), 0.1, 4, seed=6)
    coded = [encode_frame(frame) for frame in frames]
    chunks = [(0, 1, coded[0]), (1, 2, coded[1] + coded[2]), (3, 1, coded[3])]
    written, results = load(config, placed, chunks, 0, pressure)
    whole, _ = load(config, placed, [(0, 4, b"".join(coded))])
    assert results == [(False, 1), (False, 3), (False, 4)]
    assert written == whole


def malformed():
    frame = np.zeros((5, 7, 2), np.uint8)
    frame[4, 6, 1] = 1
    good = bitmap(frame)
    yield "no bytes", 0, 1, b""
    yield "unknown coding", 0, 1, bytes([2]) + good[1:]
    yield "bitmap cut", 0, 1, good[:-1]
    yield "byte behind a bitmap", 0, 1, good + b"\0"
    yield "second frame missing", 0, 2, good
    yield "gap length cut", 0, 1, bytes([1, 3])
    yield "gap list cut", 0, 1, bytes([1, 3, 0, 5, 5])
    yield "gap beyond the map", 0, 1, bytes([1, 1, 0, 70])
    yield "last bit, then one more", 0, 1, bytes([1, 2, 0, 69, 0])
    yield "long gap beyond the map", 0, 1, bytes([1, 1, 0, 255])
    yield "bytes behind the gaps", 0, 1, bytes([1, 1, 0, 69, 9])
    yield "step out of order", 1, 1, good


@pytest.mark.parametrize(
    ("first", "count", "payload"),
    [pytest.param(*rest, id=name) for name, *rest in malformed()],
)
def test_malformed_frames_fail_and_the_slot_can_be_sent_again(first, count, payload):
    config, placed, frames = case(8, (5, 7, 2), 0.3, 1, seed=7)
    good = bitmap(frames[0])
    written, results = load(config, placed, [(first, count, payload), (0, 1, good)])
    assert results == [(True, 0), (False, 1)]
    expected = entries_of(frames[0], placed, config)
    assert [written[i] for i in range(len(expected))] == expected


def test_last_bit_of_the_map_is_inside():
    config, placed, _ = case(8, (5, 7, 2), 0, 1, seed=1)
    frame = np.zeros((5, 7, 2), np.uint8)
    frame[4, 6, 1] = 1
    written, results = load(config, placed, [(0, 1, bytes([1, 1, 0, 69]))])
    assert results == [(False, 1)]
    assert list(written.values()) == entries_of(frame, placed, config)


def test_too_many_entries_never_reach_the_other_buffer():
    config, placed, frames = case(8, (5, 7, 2), 1, 12, seed=8)
    assert 12 * placed.words > config.frame_words
    written, results = load(config, placed, [(0, 12, b"".join(map(bitmap, frames)))])
    assert results == [(True, 0)]
    assert max(written) < config.frame_words


def test_table_that_was_never_written_is_refused():
    config, placed, _ = case(8, (5, 7, 2), 0, 1, seed=1)
    _, results = load(config, replace(placed, shape=(0, 0, 0)), [(0, 1, bytes([0, 0]))])
    assert results == [(True, 0)]


@pytest.mark.parametrize("size", [1, 255, 256, 600])
def test_gap_coding_of_the_host_is_read_back(size):
    for density in (0, 0.01, 0.5):
        frame = (np.random.default_rng(size).random(size) < density).astype(np.uint8)
        got, used = decode_frame(gaps(frame), size)
        assert np.array_equal(got, frame)
        assert used == len(gaps(frame))
