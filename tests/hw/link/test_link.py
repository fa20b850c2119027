"""What the link does with every kind of request: a core that only stores, all through packets."""

import pytest

from golden.core_config import CoreConfig
from host.link import END, encode
from host.packing import unpack_rows
from host.protocol.packets import (
    CLEAR_COUNTERS,
    CLEAR_RUN,
    IDEMPOTENT,
    READ_ONLY,
    REGISTERS,
    RESULT,
    Packet,
    Space,
    Status,
    space_shape,
)
from hw.accelerator import Accelerator
from hw.link.dispatcher import HEADERS, Dispatcher
from hw.link.registers import constants
from tests.hw.link.bench import (
    CONFIG,
    FRAME,
    access,
    frames,
    job,
    play,
    run_payload,
    wait,
)
from tests.hw.link.streams import PRESSURES, generator
from tests.hw.stub_core import stub_counts

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

MEMORIES = [space for space in Space if space is not Space.REGISTERS]


def word(value):
    return value.to_bytes(4, "little")


def register(name):
    return REGISTERS.index(name)


@pytest.mark.parametrize("pressure", PRESSURES)
def test_hello_tells_what_the_bitstream_is(pressure):
    async def scenario(host):
        for number in (200, 3, 3):
            answer = await host.ok(Packet.HELLO, sequence=number)
            values = [answer[i : i + 4] for i in range(0, len(answer), 4)]
            assert values == [word(constants(CONFIG)[name]) for name in READ_ONLY]

    play(scenario, pressure=pressure, setup=False)


@pytest.mark.parametrize("pressure", PRESSURES)
@pytest.mark.parametrize("space", MEMORIES, ids=lambda space: space.name)
def test_rows_are_read_back(space, pressure):
    rows, bits = space_shape(space, CONFIG)
    size = -(-bits // 8)
    rng = generator("rows", space, pressure)
    count = min(rows, 88 // size, 3)
    start = rows - count
    mask = (1 << bits) - 1
    data = b"".join((rng.getrandbits(bits) & mask).to_bytes(size, "little") for _ in range(count))

    async def scenario(host):
        await host.write(space, start, count, data)
        assert await host.read(space, start, count) == data
        assert await host.read(space, start + count - 1, 1) == data[-size:]

    play(scenario, pressure=pressure)


def test_registers_count_and_are_cleared():
    async def scenario(host):
        assert await host.read(Space.REGISTERS, 0, len(READ_ONLY[:20])) == b"".join(
            word(constants(CONFIG)[name]) for name in READ_ONLY[:20]
        )
        await host.write(Space.REGISTERS, register("seed"), 1, word(0xDEADBEEF))
        assert await host.read(Space.REGISTERS, register("seed"), 2) == word(0xDEADBEEF) + word(0)
        damaged = bytearray(encode(Packet.HELLO, 1, b""))
        damaged[2] ^= 1
        await host.raw(bytes(damaged) + END + b"abc" + END)
        await host.ask(Packet.READ, access(0, 0, 1), sequence=(host.sequence + 9) & 255)
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))
        await host.ok(Packet.RESULT, wait(0))
        for clear, crc, carry in ((0, 1, 1), (CLEAR_COUNTERS, 0, 0)):
            await host.write(Space.REGISTERS, register("clear"), 1, word(clear))
            for name, expected in (
                ("crc_errors", crc), ("length_errors", crc), ("sequence_errors", crc),
                ("saturated_carry", carry), ("next_run", 1), ("finished_runs", 1), ("status", 0),
            ):  # fmt: skip
                got = await host.read(Space.REGISTERS, register(name), 1)
                assert got == word(expected), f"{name} after clear {clear}: {got.hex()}"
        low = await host.read(Space.REGISTERS, register("cycles_low"), 2)
        assert 0 < int.from_bytes(low, "little") < 5000

    play(scenario)


@pytest.mark.parametrize("pressure", PRESSURES)
def test_echo_returns_what_it_was_sent(pressure):
    rng = generator("echo", pressure)

    async def scenario(host):
        for length in (0, 1, 2, 3, CONFIG.packet_bytes - 1, CONFIG.packet_bytes):
            data = rng.randbytes(length)
            assert await host.ok(Packet.ECHO, data) == data
            again = rng.randbytes(length)
            assert await host.ok(Packet.ECHO, again, sequence=host.sequence) == again

    play(scenario, pressure=pressure)


def test_echo_is_answered_while_an_interval_runs():
    async def scenario(host):
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))
        assert await host.ok(Packet.ECHO, b"abc") == b"abc"
        assert await host.read(Space.REGISTERS, register("status"), 1) == word(1)

    play(scenario, job_cycles=3000)


def test_without_a_uart_its_registers_are_0():
    async def scenario(host):
        await host.write(Space.REGISTERS, register("uart_step"), 1, word(5000))
        for name in ("uart_clock", "uart_default", "uart_step"):
            assert await host.read(Space.REGISTERS, register(name), 1) == word(0)

    play(scenario)


def refusals():
    size = 8  # bytes of a weight row
    yield "unknown type", 9, b"", Status.UNKNOWN
    yield "hello with payload", Packet.HELLO, b"x", Status.UNKNOWN
    yield "read without header", Packet.READ, b"", Status.UNKNOWN
    yield "read with data", Packet.READ, access(3, 0, 1) + b"x", Status.UNKNOWN
    yield "unknown space", Packet.READ, access(len(Space), 0, 1), Status.UNKNOWN
    yield "write too short", Packet.WRITE, access(3, 0, 2) + bytes(2 * size - 1), Status.UNKNOWN
    yield "write too long", Packet.WRITE, access(3, 0, 1) + bytes(size + 1), Status.UNKNOWN
    yield "no rows", Packet.READ, access(3, 0, 0), Status.RANGE
    yield "rows beyond the space", Packet.READ, access(3, 15, 2), Status.RANGE
    yield "start far beyond", Packet.READ, access(3, 1 << 31, 1), Status.RANGE
    yield "start that wraps 16 bits", Packet.READ, access(3, 1 << 16, 1), Status.RANGE
    yield "rows beyond a packet", Packet.READ, access(3, 0, 12), Status.RANGE
    yield "write beyond", Packet.WRITE, access(3, 16, 1) + bytes(size), Status.RANGE
    yield "write of a constant", Packet.WRITE, access(0, 0, 1) + bytes(4), Status.RANGE
    yield (
        "write of a status",
        Packet.WRITE,
        access(0, register("seed") - 1, 1) + bytes(4),
        Status.RANGE,
    )
    yield "run cut", Packet.RUN, job(0, 1), Status.UNKNOWN
    yield "run ahead", Packet.RUN, run_payload(1, [FRAME]), Status.RANGE
    yield "two numbers", Packet.RUN, job(1, 1) + frames(0, 0, [FRAME]), Status.RANGE
    yield "no steps", Packet.RUN, run_payload(0, []), Status.RANGE
    yield "frames missing", Packet.RUN, run_payload(0, [FRAME], steps=2), Status.RANGE
    yield "frames too many", Packet.RUN, run_payload(0, [FRAME] * 2, steps=1), Status.RANGE
    yield "bytes without frames", Packet.RUN, run_payload(0, []) + b"x", Status.RANGE
    yield "malformed frame", Packet.RUN, run_payload(0, [FRAME[:-1]]), Status.RANGE
    yield "frames ahead", Packet.FRAMES, frames(1, 0, [FRAME]), Status.RANGE
    yield "step out of order", Packet.FRAMES, frames(0, 1, [FRAME]), Status.RANGE
    yield "result too short", Packet.RESULT, b"abc", Status.UNKNOWN
    yield "result never queued", Packet.RESULT, wait(0), Status.RANGE
    yield "result before the first", Packet.RESULT, wait(2**32 - 1), Status.RANGE


@pytest.mark.parametrize(
    ("kind", "payload", "status"), [pytest.param(*rest, id=name) for name, *rest in refusals()]
)
def test_refused_without_effect(kind, payload, status):
    async def scenario(host):
        await host.write(Space.WEIGHTS, 0, 3, bytes(range(24)))
        assert (await host.ask(kind, payload))[0] is status
        # The link is alive, nothing was queued, nothing was written.
        assert await host.read(Space.WEIGHTS, 0, 3) == bytes(range(24))
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))
        await host.ok(Packet.RESULT, wait(0))

    play(scenario)


def test_every_request_type_has_a_header():
    assert set(HEADERS) == set(Packet)


def test_nothing_but_hello_before_the_first_hello():
    async def scenario(host):
        for number in (0, 1):
            assert (await host.ask(Packet.READ, access(3, 0, 1), sequence=number)) == (
                Status.SEQUENCE,
                b"\0",
            )
        await host.ok(Packet.HELLO, sequence=7)
        await host.ok(Packet.READ, access(3, 0, 1), sequence=8)

    play(scenario, setup=False)


@pytest.mark.parametrize("distance", [2, 128, 255])
def test_other_sequence_numbers_are_refused(distance):
    async def scenario(host):
        last = host.sequence
        number = (last + distance) & 255
        got = await host.ask(Packet.WRITE, access(3, 0, 1) + bytes(range(8)), sequence=number)
        assert got == (Status.SEQUENCE, bytes([last]))
        assert await host.read(Space.WEIGHTS, 0, 1) == bytes(8)

    play(scenario)


@pytest.mark.parametrize("kind", [Packet.WRITE, Packet.FRAMES, Packet.RUN])
def test_a_repetition_has_no_second_effect(kind):
    assert kind not in IDEMPOTENT
    first = {
        Packet.WRITE: access(3, 1, 1) + bytes(range(8)),
        Packet.FRAMES: frames(0, 0, [FRAME]),
        Packet.RUN: run_payload(0, [FRAME], learn=1),
    }[kind]
    # What the repetition says does not matter: it must not be looked at.
    second = {
        Packet.WRITE: access(3, 1, 1) + bytes(8),
        Packet.FRAMES: frames(0, 0, [FRAME] * 2),
        Packet.RUN: run_payload(1, [FRAME], learn=1),
    }[kind]

    async def scenario(host):
        await host.ok(kind, first)
        for _ in range(3):
            assert await host.ask(kind, second, sequence=host.sequence) == (Status.OK, b"")
        if kind is Packet.WRITE:
            assert await host.read(Space.WEIGHTS, 1, 1) == bytes(range(8))
        elif kind is Packet.FRAMES:
            await host.ok(Packet.RUN, run_payload(0, [FRAME], first=1))
        else:
            await host.ok(Packet.RESULT, wait(0))
            assert await host.trained() == 1
            assert (await host.ask(Packet.RESULT, wait(1)))[0] is Status.RANGE

    play(scenario)


def test_a_repetition_gets_the_status_the_first_one_had():
    async def scenario(host):
        for _ in range(3):
            status, _ = await host.ask(
                Packet.RUN, run_payload(4, [FRAME]), sequence=host.sequence + 1
            )
            assert status is Status.RANGE
        host.sequence += 1
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))

    play(scenario)


def test_a_repetition_of_another_type_is_refused():
    async def scenario(host):
        await host.read(Space.WEIGHTS, 0, 1)
        data = access(3, 0, 1) + bytes(range(8))
        assert (await host.ask(Packet.WRITE, data, sequence=host.sequence))[0] is Status.SEQUENCE
        assert await host.read(Space.WEIGHTS, 0, 1) == bytes(8)

    play(scenario)


@pytest.mark.parametrize("pressure", PRESSURES)
def test_two_intervals_are_queued_and_counted_in_order(pressure):
    labels = [5, 9, 2, 7, 4]

    async def scenario(host):
        for run, label in enumerate(labels):
            if run >= 2:
                header = await host.ok(Packet.RESULT, wait(run - 2))
                check(run - 2, header)
            steps = 1 + run % 2
            await host.ok(
                Packet.RUN, run_payload(run, [FRAME] * steps, label=label, learn=run != 1)
            )
        for run in (len(labels) - 2, len(labels) - 1):
            check(run, await host.ok(Packet.RESULT, wait(run)))
        assert await host.trained() == len(labels) - 1

    def check(run, answer):
        values = RESULT.unpack(int.from_bytes(answer[: RESULT.bytes], "little"))
        assert values == {"run": run, "groups": 2}
        counts = [
            int.from_bytes(answer[i : i + 2], "little") for i in range(RESULT.bytes, len(answer), 2)
        ]
        values = {"label": labels[run], "steps": 1 + run % 2, "slot": run % 2}
        expected = [c for group in range(2) for c in stub_counts(values, 4, group, 8)]
        assert counts == expected

    play(scenario, pressure=pressure)


def test_an_interval_without_frames_uses_the_buffer_of_the_one_before():
    loads = [True, False, False, True, False, True, True]
    slots = [0, 0, 0, 1, 1, 0, 1]

    async def scenario(host):
        keep = {"frames": 0, "steps": 5}
        assert (await host.ask(Packet.RUN, run_payload(0, [], **keep)))[0] is Status.RANGE
        for run, (load, slot) in enumerate(zip(loads, slots, strict=True)):
            payload = run_payload(run, [FRAME], label=run) if load else None
            await host.ok(Packet.RUN, payload or run_payload(run, [], label=run, **keep))
            answer = await host.ok(Packet.RESULT, wait(run))
            values = {"label": run, "steps": 1 if load else 5, "slot": slot}
            first = int.from_bytes(answer[RESULT.bytes : RESULT.bytes + 2], "little")
            assert first == stub_counts(values, 4, 0, 8)[0], run
            if load:
                row = await host.read(Space.FRAMES, slot * CONFIG.frame_words, 1)
                assert row[0] & 0xF == 1
        await host.write(Space.REGISTERS, register("clear"), 1, word(CLEAR_RUN))
        assert (await host.ask(Packet.RUN, run_payload(0, [], **keep)))[0] is Status.RANGE

    play(scenario)


def test_frames_arrive_in_their_buffer():
    async def scenario(host):
        for run in range(2):
            await host.ok(Packet.FRAMES, frames(run, 0, [FRAME]))
            await host.ok(Packet.RUN, run_payload(run, [FRAME], first=1))
            await host.ok(Packet.RESULT, wait(run))
            first = run * CONFIG.frame_words
            rows = await host.read(Space.FRAMES, first, 6)
            entries = [int.from_bytes(rows[i : i + 3], "little") for i in range(0, 18, 3)]
            # Rows 0, 1 and 2 hold bits 0, 5 and 11: lanes 0, 1 and 3; the last one is marked.
            expected = [1 | 0 << 4, 2 | 1 << 4, 8 | 2 << 4 | 1 << (CONFIG.entry_bits - 1)]
            assert entries == expected * 2

    play(scenario)


def test_memory_is_busy_while_an_interval_runs():
    async def scenario(host):
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))
        assert (await host.ask(Packet.READ, access(3, 0, 1)))[0] is Status.BUSY
        assert (await host.ask(Packet.WRITE, access(3, 0, 1) + bytes(8)))[0] is Status.BUSY
        clear = access(0, register("clear"), 1) + word(CLEAR_RUN)
        assert (await host.ask(Packet.WRITE, clear))[0] is Status.BUSY
        assert await host.read(Space.REGISTERS, register("status"), 1) == word(1)
        assert (await host.ask(Packet.RESULT, wait(0)))[0] is Status.BUSY
        await host.ok(Packet.RUN, run_payload(1, [FRAME]))
        assert (await host.ask(Packet.RUN, run_payload(2, [FRAME])))[0] is Status.BUSY
        assert (await host.ask(Packet.FRAMES, frames(2, 0, [FRAME])))[0] is Status.BUSY
        # Numbers queued before are acknowledged, and train nothing.
        await host.ok(Packet.RUN, run_payload(0, [FRAME], learn=1))
        for run in (0, 1):
            while (await host.ask(Packet.RESULT, wait(run)))[0] is Status.BUSY:
                pass
        await host.ok(Packet.RUN, run_payload(1, [FRAME], learn=1))
        assert await host.trained() == 0

    play(scenario, job_cycles=4000, result_timeout=100)


def test_counts_are_gone_when_their_memory_is_reused():
    async def scenario(host):
        for run in range(3):
            await host.ok(Packet.RUN, run_payload(run, [FRAME]))
            await host.ok(Packet.RESULT, wait(run))
        assert (await host.ask(Packet.RESULT, wait(0)))[0] is Status.RANGE
        await host.ok(Packet.RESULT, wait(1))
        await host.write(Space.REGISTERS, register("clear"), 1, word(CLEAR_RUN))
        assert (await host.ask(Packet.RESULT, wait(2)))[0] is Status.RANGE
        assert (await host.ask(Packet.RUN, run_payload(3, [FRAME])))[0] is Status.RANGE
        await host.ok(Packet.RUN, run_payload(0, [FRAME]))

    play(scenario)


def test_refused_frames_drop_those_loaded_before():
    async def scenario(host):
        await host.ok(Packet.FRAMES, frames(0, 0, [FRAME]))
        status, _ = await host.ask(Packet.FRAMES, frames(0, 1, [FRAME + b"x"]))
        assert status is Status.RANGE
        assert (await host.ask(Packet.RUN, run_payload(0, [], steps=1)))[0] is Status.RANGE
        await host.ok(Packet.FRAMES, frames(0, 0, [FRAME]))
        await host.ok(Packet.RUN, run_payload(0, [], steps=1))

    play(scenario)


@pytest.mark.parametrize("seed", range(3))
def test_garbage_between_packets_is_survived(seed):
    rng = generator("garbage", seed)

    async def scenario(host):
        for row in range(4):
            await host.raw(rng.randbytes(rng.randrange(1, 250)))
            host.received.clear()
            # A cut packet stays in front of the next one's END.
            await host.raw(encode(Packet.HELLO, 0, b"")[: rng.randrange(1, 6)])
            await host.write(Space.WEIGHTS, row, 1, bytes([row] * 8))
            assert await host.read(Space.WEIGHTS, row, 1) == bytes([row] * 8)

    play(scenario, pressure="light", seed=seed)


def test_packets_at_their_bound():
    async def scenario(host):
        data = bytes(range(88))
        await host.write(Space.WEIGHTS, 0, 11, data)
        assert await host.read(Space.WEIGHTS, 0, 11) == data
        await host.raw(encode(Packet.WRITE, host.sequence + 1, access(3, 0, 12) + bytes(96)))
        assert await host.response(2000) is None
        assert await host.read(Space.WEIGHTS, 0, 11) == data

    play(scenario)


def test_reading_while_clearing_waits():
    async def scenario(host):
        await host.write(Space.REGISTERS, register("clear"), 1, word(CLEAR_COUNTERS))
        await host.read(Space.WEIGHTS, 0, 1)

    play(scenario)


def test_rows_of_the_link_are_those_of_the_host():
    data = bytes.fromhex("0100ff7f0080ffff")
    assert unpack_rows(data, 4, 16).tolist() == [[1, 32767, -32768, -1]]


@pytest.mark.parametrize(("timeout", "error"), [(0, ValueError), (1.5, TypeError)])
def test_result_timeout_is_checked(timeout, error):
    with pytest.raises(error, match="result_timeout must be"):
        Dispatcher(CONFIG, timeout)


def test_accelerator_wants_a_configuration():
    with pytest.raises(TypeError, match="config must be a CoreConfig, not 16"):
        Accelerator(16)
    assert isinstance(CONFIG, CoreConfig)
