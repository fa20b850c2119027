"""An accelerator with the stub core, and a host that speaks packets in Amaranth's simulator."""

from golden.core_config import CoreConfig
from host.link import END, decode, encode
from host.protocol.packets import ACCESS, FRAMES, WAIT, Coding, Packet, Space, Status
from host.protocol.program import JOB, LAYER
from hw.accelerator import Accelerator
from tests.hw.link.streams import PRESSURES, generator, receive, send, simulate
from tests.hw.stub_core import StubCore

CONFIG = CoreConfig(
    lanes=4, pack_max=1, weight_rows=16, neuron_words=8, error_words=8, spike_words=8,
    mask_words=8, frame_words=16, class_groups=2, layers=4, instructions=8, packet_bytes=96,
)  # fmt: skip
SHAPE = (3, 4, 1)
FRAME_ROW = {
    "height": 3, "width": 4, "channels": 1, "pack": 2, "x_words": 1, "groups": 1,
    "spike_stride": 3,
}  # fmt: skip
FRAME = bytes([Coding.BITMAP, 0x21, 0x08])
"""A frame of `SHAPE`: bits 0, 5 and 11."""


def access(space, start, rows):
    values = {"space": int(space), "start": start, "rows": rows}
    return ACCESS.pack(values).to_bytes(ACCESS.bytes, "little")


def frames(run, first, coded):
    values = {"run": run, "first": first, "count": len(coded)}
    return FRAMES.pack(values).to_bytes(FRAMES.bytes, "little") + b"".join(coded)


def job(run, steps, **values):
    return JOB.pack({"run": run, "steps": steps, "frames": steps, **values}).to_bytes(
        JOB.bytes, "little"
    )


def run_payload(run, coded, steps=None, first=0, **values):
    steps = first + len(coded) if steps is None else steps
    return job(run, steps, **values) + frames(run, first, coded)


def wait(run):
    return WAIT.pack({"run": run}).to_bytes(WAIT.bytes, "little")


async def run_interval(ask):
    """Describe a layer, run an interval of one step and look at its result.

    `ask` sends a packet and returns the payload of the answer.
    """
    row = LAYER.pack(FRAME_ROW).to_bytes(LAYER.bytes, "little")
    await ask(Packet.WRITE, access(Space.LAYERS, 0, 1) + row)
    await ask(Packet.RUN, run_payload(0, [FRAME], label=3))
    answer = await ask(Packet.RESULT, wait(0))
    assert answer[:5] == bytes([0, 0, 0, 0, 2])


class Host:
    """Sends bytes, takes responses apart, counts cycles."""

    def __init__(self, dut, pressure="none", seed=0):
        self.dut = dut
        self.pause = PRESSURES[pressure]
        self.random = generator("host", pressure, seed)
        self.received = []
        self.sequence = 0
        self.ctx = None

    async def raw(self, data):
        await send(self.ctx, self.dut.rx, data, self.pause, self.random)

    async def response(self, limit=6000):
        """The next valid response, or None after `limit` cycles."""
        for _ in range(limit):
            data = bytes(self.received)
            *whole, _ = data.split(END)
            if any(whole):
                end = data.index(END, data.index(next(f for f in whole if f)))
                del self.received[: end + 1]
                return decode(next(f for f in whole if f))
            await self.ctx.tick()
        return None

    async def ask(self, kind, payload=b"", sequence=None, limit=6000):
        """Status and payload of the answer to a request."""
        if sequence is None:
            sequence = self.sequence = (self.sequence + 1) & 255
        await self.raw(encode(kind, sequence, payload))
        answer = await self.response(limit)
        assert answer is not None, f"no answer to {kind!r}"
        assert answer[:2] == (kind | 0x80, sequence)
        return Status(answer[2][0]), answer[2][1:]

    async def ok(self, kind, payload=b"", **options):
        status, answer = await self.ask(kind, payload, **options)
        assert status is Status.OK, f"{kind!r} is answered with {status!r}"
        return answer

    async def read(self, space, start, rows):
        return await self.ok(Packet.READ, access(space, start, rows))

    async def write(self, space, start, rows, data):
        await self.ok(Packet.WRITE, access(space, start, rows) + data)

    async def setup(self):
        """Greet, and describe the frames to the core."""
        await self.ok(Packet.HELLO)
        row = LAYER.pack(FRAME_ROW).to_bytes(LAYER.bytes, "little")
        await self.write(Space.LAYERS, 0, 1, row)

    async def trained(self):
        """How many jobs learned, by the stub."""
        return int.from_bytes(await self.read(Space.WEIGHTS, 0, 1), "little")


def play(scenario, *, pressure="none", seed=0, job_cycles=60, result_timeout=3000, setup=True):
    """Run ``await scenario(host)`` against the accelerator."""
    dut = Accelerator(CONFIG, core=StubCore(CONFIG, job_cycles), result_timeout=result_timeout)
    host = Host(dut, pressure, seed)

    async def drive(ctx):
        host.ctx = ctx
        if setup:
            await host.setup()
        await scenario(host)

    async def read(ctx):
        await receive(ctx, dut.tx, host.received, host.pause, generator("tx", pressure, seed))

    simulate(dut, drive, background=[read])
