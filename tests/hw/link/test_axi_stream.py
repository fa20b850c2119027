"""AXI4-Stream adapters: every byte once and in order, packets at frames' ends, full speed."""

import pytest

from host.link import encode
from host.protocol.packets import SLIP_END
from hw.link.axi_stream import WIDTHS, AxiStreamPacker, AxiStreamUnpacker, beat_layout
from tests.hw.link.streams import PRESSURES, generator, raw, receive, send, simulate

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

END = bytes([SLIP_END])
KEEPS = ("descriptors", "any")


def beat(data, keep, last, width):
    return data | keep << width | last << (width + width // 8)


def taken_apart(value, width):
    """Bytes kept, tkeep and tlast of a beat."""
    lanes = width // 8
    data = (value & ((1 << width) - 1)).to_bytes(lanes, "little")
    keep = value >> width & ((1 << lanes) - 1)
    kept = bytes(byte for lane, byte in enumerate(data) if keep >> lane & 1)
    return kept, keep, bool(value >> (width + lanes))


def beats_of(rng, width, kind, count=25):
    """Random beats, and the bytes that are kept in them."""
    lanes, beats, kept = width // 8, [], bytearray()
    for _ in range(count):
        data = rng.randbytes(lanes)
        keep = (1 << lanes) - 1
        if kind == "any":
            keep = rng.getrandbits(lanes)
        elif rng.random() < 0.4:  # the end of a descriptor
            keep >>= rng.randrange(lanes)
        kept += bytes(byte for lane, byte in enumerate(data) if keep >> lane & 1)
        beats.append(beat(int.from_bytes(data, "little"), keep, rng.getrandbits(1), width))
    return beats, bytes(kept)


def through(dut, items, pressure, rng, wait):
    """What comes out of an adapter, and the cycles before it took the last item."""
    got, cycle = [], 0

    async def count(ctx):
        nonlocal cycle
        while True:
            await ctx.tick()
            cycle += 1

    async def drive(ctx):
        nonlocal cycle
        cycle = 0
        await send(ctx, dut.i, items, PRESSURES[pressure], rng)
        took.append(cycle)
        for _ in range(wait):
            await ctx.tick()

    async def read(ctx):
        await receive(ctx, dut.o, got, PRESSURES[pressure], rng)

    took = []
    simulate(dut, drive, background=[count, read])
    return got, took[0]


def unpack(beats, width, pressure, rng):
    """Bytes that come out of beats, and the cycles before the last beat was taken."""
    got, cycles = through(AxiStreamUnpacker(width), beats, pressure, rng, 20 * width // 8)
    return bytes(got), cycles


def pack(data, width, pressure, rng):
    """Beats that come out of bytes, and the cycles before the last byte was taken."""
    got, cycles = through(AxiStreamPacker(width), data, pressure, rng, 80)
    return [taken_apart(value, width) for value in got], cycles


def packets_of(beats, width):
    """AXI4-Stream packets; checks that all but the last beat of each is full."""
    lanes, packets, current = width // 8, [], b""
    for number, (kept, keep, last) in enumerate(beats):
        assert keep & (keep + 1) == 0, f"beat {number}: kept bytes {keep:b} are not the lowest"
        assert keep, f"beat {number} is empty"
        assert last or len(kept) == lanes, f"beat {number} in a packet keeps {len(kept)} bytes"
        current += kept
        if last:
            packets.append(current)
            current = b""
    return packets, current


@pytest.mark.parametrize("kind", KEEPS)
@pytest.mark.parametrize("pressure", PRESSURES)
@pytest.mark.parametrize("width", [32, 64, 128])
def test_unpacker_delivers_what_is_kept(width, pressure, kind):
    rng = generator("unpacker", width, pressure, kind)
    beats, kept = beats_of(rng, width, kind)
    assert unpack(beats, width, pressure, rng)[0] == kept


@pytest.mark.parametrize("pressure", PRESSURES)
@pytest.mark.parametrize("width", [32, 64, 128])
def test_packer_ends_a_packet_with_each_frame(width, pressure):
    rng = generator("packer", width, pressure)
    # All lengths of the last beat, and bytes that SLIP escapes.
    sent = [encode(1, length, rng.randbytes(length)) for length in range(width // 8 + 1)]
    sent += [encode(2, 0, bytes([SLIP_END, 0xDB] * 6))]
    beats, _ = pack(b"".join(sent), width, pressure, rng)
    assert packets_of(beats, width) == (sent, b"")


@pytest.mark.parametrize(
    ("data", "packets", "rest"),
    [
        (b"abc" + END + END + b"d" + END, [b"abc" + END, END + b"d" + END], b""),
        (END + END + END + b"d" + END, [END + END + END + b"d" + END], b""),
        (b"ab" + END + b"c" + END, [b"ab" + END, b"c" + END], b""),
        (END + b"abcdefg" + b"h", [], END + b"abcdefg"),
    ],
    ids=["garbage before a frame", "empty frames", "one END between", "open frame"],
)
def test_packer_behind_garbage(data, packets, rest):
    beats, _ = pack(data, 64, "light", generator("garbage"))
    assert packets_of(beats, 64) == (packets, rest)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_byte_every_cycle(width):
    """Both directions; packets' ends cost nothing."""
    rng = generator("speed", width)
    lanes, count = width // 8, 40
    beats = [beat(rng.getrandbits(width), (1 << lanes) - 1, 0, width) for _ in range(count)]
    assert unpack(beats, width, "none", rng)[1] == (count - 1) * lanes

    frames = b"".join(encode(1, 2, rng.randbytes(length)) for length in range(1, 30, 7))
    assert pack(frames, width, "none", rng)[1] == len(frames) - 1


@pytest.mark.parametrize("kind", [AxiStreamPacker, AxiStreamUnpacker])
def test_handshakes_do_not_wait_for_each_other(kind):
    """Within a cycle valid does not follow ready, nor the ready of the other side this valid."""
    dut, rng = kind(32), generator("handshake", kind.__name__)

    async def drive(ctx):
        payload = raw(dut.i.payload)
        for cycle in range(200):
            ctx.set(payload, rng.choice([rng.getrandbits(len(payload)), SLIP_END]))
            seen = set()
            for valid, ready in [(0, 0), (0, 1), (1, 1), (1, 0)]:
                ctx.set(dut.i.valid, valid)
                ctx.set(dut.o.ready, ready)
                seen.add((ctx.get(dut.o.valid), ready, ctx.get(dut.i.ready)))
            assert len({valid for valid, _, _ in seen}) == 1, f"valid changed in cycle {cycle}"
            assert len(seen) == 2, f"ready changed with valid in cycle {cycle}: {seen}"
            ctx.set(dut.i.valid, rng.getrandbits(1))
            ctx.set(dut.o.ready, rng.getrandbits(1))
            await ctx.tick()

    simulate(dut, drive)


@pytest.mark.parametrize("width", [0, 8, 48, 65, "64", None])
@pytest.mark.parametrize("kind", [AxiStreamPacker, AxiStreamUnpacker, beat_layout])
def test_other_widths_are_refused(kind, width):
    with pytest.raises(ValueError, match=rf"must be one of 32, .*512 bits, not {width!r}"):
        kind(width)
