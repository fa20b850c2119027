"""The link under faults: damaged, lost, repeated and cut packets, garbage; nothing trains twice."""

import pytest

from host.driver import LinkBoard
from host.link import END, Link, LinkError, RequestError, decode, encode
from host.protocol.packets import Packet, Status
from host.transport.base import Transport
from host.transport.faults import KINDS, Faults, FaultyTransport
from host.transport.sim import SimTransport
from tests.host.boards import (
    CONFIG,
    NETWORK,
    SETTINGS,
    assert_same,
    contents,
    golden,
    library,
    recordings,
    weights,
)

MIX = {"drop": 0.06, "flip": 0.08, "repeat": 0.1, "truncate": 0.06, "garbage": 0.1}


def faulty(seed, sending, receiving):
    inner = SimTransport(library(), stall=20, seed=seed)
    inner.timeout = 0.0004  # 40,000 cycles: longer than any request takes here
    transport = FaultyTransport(inner, Faults(**sending), Faults(**receiving), seed)
    return LinkBoard(transport, CONFIG, retries=40)


@pytest.mark.cosim
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("fault", [*KINDS, "all"])
def test_training_over_a_bad_link_equals_golden(fault, seed):
    rates = MIX if fault == "all" else {fault: 0.2}
    expected = golden()
    expected.load(NETWORK, SETTINGS, weights())
    with faulty(seed, rates, rates) as board:
        board.load(NETWORK, SETTINGS, weights())
        samples = recordings(3, seed=seed)
        got = [c.tolist() for c in board.run_samples(samples, learn=True)]
        assert got == [c.tolist() for c in expected.run_samples(samples, learn=True)]
        assert_same(contents(board), contents(expected))
        registers = board.registers()
        assert registers["next_run"] == registers["finished_runs"] == 9
        link, faults = board.link.statistics, board.transport
    happened = {k: faults.sending.count[k] + faults.receiving.count[k] for k in rates}
    assert all(happened.values()), f"seed {seed} tests nothing: {happened}"
    if fault in ("drop", "flip", "truncate", "all"):
        assert link.resends > 0


class Silent(Transport):
    """Takes everything, answers as told."""

    name = "test port"
    timeout = 0.001

    def __init__(self, answers=()):
        self.answers = list(answers)
        self.sent = []

    def send(self, data):
        self.sent.append(data)

    def receive(self, timeout):
        return self.answers.pop(0) if self.answers else b""

    def close(self):
        pass


def test_no_answer_is_a_clear_error_after_bounded_tries():
    transport = Silent()
    link = Link(transport, retries=3)
    with pytest.raises(LinkError, match=r"test port does not answer HELLO after 4 attempts: is a"):
        link.request(Packet.HELLO)
    assert len(transport.sent) == 4
    assert len(set(transport.sent)) == 1, "a repetition is the same packet"
    with pytest.raises(LinkError, match="stopped answering: open the board again"):
        link.request(Packet.READ)
    assert len(transport.sent) == 4


def test_endless_garbage_does_not_hold_the_host():
    class Garbage(Silent):
        def receive(self, timeout):
            return b"noise" + END

    with pytest.raises(LinkError, match="does not answer HELLO after 2 attempts"):
        Link(Garbage(), retries=1).request(Packet.HELLO)


def test_answers_to_other_requests_are_ignored():
    right = encode(Packet.READ | 0x80, 5, b"\0data")
    answers = [
        encode(Packet.READ | 0x80, 4, b"\0old"),
        encode(Packet.WRITE | 0x80, 5, b"\0other"),
        encode(Packet.READ, 5, b"\0echo"),
        encode(Packet.READ | 0x80, 5, b"\0damaged")[:-3] + END,
        b"garbage" + right[:4],
        right[4:6],
        right[6:],
    ]
    # The cut beginning above belongs to a frame that garbage has spoilt; the next one is whole.
    link = Link(Silent([*answers, right]), first_sequence=5)
    assert link.request(Packet.READ) == b"data"
    assert link.statistics.stale == 3
    assert link.statistics.damaged >= 1
    assert link.statistics.resends == 0


def test_split_answers_are_put_together():
    answer = encode(Packet.READ | 0x80, 5, b"\0" + bytes(range(256)))
    pieces = [answer[i : i + 7] for i in range(0, len(answer), 7)]
    link = Link(Silent(pieces), first_sequence=5)
    assert link.request(Packet.READ) == bytes(range(256))


def test_a_refusal_is_an_error_with_its_status():
    answers = [encode(Packet.READ | 0x80, n, bytes([status])) for n, status in ((5, 4), (6, 2))]
    link = Link(Silent(answers), first_sequence=5)
    with pytest.raises(RequestError, match="board answers RANGE to READ") as caught:
        link.request(Packet.READ)
    assert caught.value.status is Status.RANGE
    with pytest.raises(RequestError, match="it was reset, or another program uses it"):
        link.request(Packet.READ)


def test_unknown_status_is_an_error():
    link = Link(Silent([encode(Packet.READ | 0x80, 5, b"\x63")]), first_sequence=5)
    with pytest.raises(LinkError, match="unknown status"):
        link.request(Packet.READ)


def test_negative_retries_are_refused():
    with pytest.raises(ValueError, match="retries must be at least 0, not -1"):
        Link(Silent(), retries=-1)


@pytest.mark.parametrize("payload", [b"", b"\xc0\xdb\xdc\xdd", bytes(range(256))])
def test_packets_are_decoded_as_encoded(payload):
    data = encode(3, 200, payload)
    assert data[:1] == data[-1:] == END
    assert END not in data[1:-1]
    assert decode(data[1:-1]) == (3, 200, payload)


def test_every_flipped_bit_is_noticed():
    data = encode(3, 200, b"some payload")[1:-1]
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        assert decode(bytes(damaged)) is None
    for length in range(len(data)):
        assert decode(data[:length]) is None
