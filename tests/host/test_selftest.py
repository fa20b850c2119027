"""Self-test: a sound board passes, and each fault is found in the line it belongs to."""

import itertools
import json

import numpy as np
import pytest

from golden.core_config import CoreConfig
from host.driver import LinkBoard
from host.link import decode, encode
from host.protocol.packets import RESPONSE, Packet, Space, space_shape
from host.selftest import __main__ as program
from host.selftest import link, memory, training
from host.selftest.checks import FAILED, OK, SKIPPED, Check, passed, table
from host.transport.faults import Faults, FaultyTransport
from host.transport.sim import SimTransport
from tests.cosim.boards import CARD, card_library
from tests.host.boards import CONFIG, golden, library
from tests.host.uart_model import OWN, UartModel

TINY = CoreConfig(
    lanes=4, pack_max=1, weight_rows=16, neuron_words=8, error_words=8, spike_words=8,
    mask_words=8, frame_words=16, class_groups=2, layers=4, instructions=8, packet_bytes=96,
)  # fmt: skip


def results(checks):
    return {check.name: check.result for check in checks}


def named(checks, name):
    return next(check for check in checks if check.name == name)


@pytest.mark.cosim
def test_a_sound_board_passes():
    with LinkBoard(SimTransport(card_library()), CARD) as board:
        checks = program.run(board)
    assert set(results(checks).values()) == {OK}
    spaces = [s.name.lower() for s in Space if s is not Space.REGISTERS]
    assert sorted(results(checks)) == sorted(["loopback", "registers", *spaces, *training.CASES])
    echo = named(checks, "loopback").figures
    assert echo["payloads"] == link.PAYLOADS
    assert echo["bytes"] > 5_000
    assert echo["bytes"] / echo["seconds"] > 1e6
    assert named(checks, "weights").text == "256 rows of 64 bits: March C- with 3 backgrounds"
    assert named(checks, "keep").text == "64 rows of 4 bits: March C- with 7 backgrounds"
    assert table(checks).endswith("\npassed")


class BadMemories(LinkBoard):
    """Bit 21 of row 37 of WEIGHTS reads as 1; address 60 of STATE leads to row 28."""

    def read_rows(self, space, start=0, rows=None):
        data = bytearray(super().read_rows(space, start, rows))
        size = -(-space_shape(space, self.config)[1] // 8)
        end = start + len(data) // size
        if space is Space.WEIGHTS and start <= 37 < end:
            data[(37 - start) * size + 2] |= 1 << 5
        if space is Space.STATE and start <= 60 < end:
            place = (60 - start) * size
            data[place : place + size] = super().read_rows(space, 28, 1)
        return bytes(data)


@pytest.mark.cosim
def test_bad_memories_are_found_with_row_and_bit(tmp_path, monkeypatch, capsys):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"config": CARD.to_words(), "baud": 3_000_000}))
    opened = []

    def bad(name, config, baud):
        opened.append((name, config, baud))
        return BadMemories(SimTransport(card_library()), config)

    monkeypatch.setattr(program, "open_board", bad)
    options = ["--board", "uart:/dev/x", "--config", str(path), "--parts", "memory", "--json"]
    assert program.main(options) == 1
    assert opened == [("uart:/dev/x", CARD, 3_000_000)]
    checks = [Check(**values) for values in json.loads(capsys.readouterr().out)["checks"]]
    assert {name for name, result in results(checks).items() if result != OK} == {
        "weights", "state",
    }  # fmt: skip
    found = named(checks, "weights")
    assert found.text == "wrong in 1 rows: 37; bits read as 1 in place of 0: 21"
    assert (found.figures["wrong_rows"], found.figures["read_as_1"]) == ([37], [21])
    assert found.figures["read_as_0"] == []
    assert named(checks, "state").figures["wrong_rows"] == [60]
    text = table(checks)
    assert "memory   weights    FAILED   wrong in 1 rows: 37; bits" in text
    assert text.endswith("\nFAILED: 2 of 13 checks")


@pytest.mark.parametrize("config", [TINY, CONFIG], ids=["tiny", "small"])
def test_any_two_rows_differ_in_a_background(config):
    for space in memory.marched(config):
        depth, bits = space_shape(space, config)
        rows = np.concatenate(
            [memory.pattern(b, space, 0, depth, bits) for b in memory.backgrounds(bits)], axis=1
        )
        assert len(np.unique(rows, axis=0)) == depth, space
    first = [memory.pattern("address 0", s, 0, 1, 20).tolist() for s in memory.marched(config)]
    assert len(first) == len({str(row) for row in first})


def test_blocks_cover_every_row_once():
    for space in memory.marched(CONFIG):
        blocks = memory._blocks(space, CONFIG)
        covered = [row for first, rows in blocks for row in range(first, first + rows)]
        assert covered == list(range(space_shape(space, CONFIG)[0]))


def test_many_rows_and_bits_are_shortened():
    found = memory.Findings()
    found.note(5, np.zeros((10, 12), np.uint8), np.ones((10, 12), np.uint8))
    assert found.text() == (
        "wrong in 10 rows: 5, 6, 7, 8, 9, 10, 11, 12 and 2 more; bits read as 0 in place of 1: "
        "0, 1, 2, 3, 4, 5, 6, 7 and 4 more"
    )


@pytest.mark.cosim
@pytest.mark.parametrize(
    ("sending", "receiving", "text"),
    [
        ({"flip": 0.3}, {}, "damaged on the way there"),
        ({}, {"flip": 0.3}, "damaged on the way here"),
        ({}, {"drop": 0.3}, "requests repeated"),
    ],
)
def test_a_bad_line_fails_the_loopback(sending, receiving, text):
    inner = SimTransport(library())
    inner.timeout = 0.0004
    transport = FaultyTransport(inner, Faults(**sending), Faults(**receiving))
    with LinkBoard(transport, CONFIG, retries=40) as board:
        (found,) = program.run(board, ["link"])
    assert (found.part, found.name, found.result) == ("link", "loopback", FAILED)
    assert text in found.text


class Changing(SimTransport):
    """Changes a byte of long echoes; the checksum is right."""

    def receive(self, timeout):
        packet = decode(super().receive(timeout)[1:-1])
        if packet is None:
            return b""
        kind, sequence, payload = packet
        if kind == Packet.ECHO | RESPONSE and len(payload) > 400:
            payload = payload[:200] + bytes([payload[200] ^ 4]) + payload[201:]
        return encode(kind, sequence, payload)


@pytest.mark.cosim
def test_a_changed_echo_is_found():
    with LinkBoard(Changing(library()), CONFIG) as board:
        (found,) = program.run(board, ["link"])
    assert found.result == FAILED
    assert found.text.endswith(f": {found.figures['changed']} came back changed")


class Idle(LinkBoard):
    """Never updates its weights."""

    def _submit(self, frames, label, start, learn, update):
        return super()._submit(frames, label, start, learn, False)


class Wandering(LinkBoard):
    """Potentials read as 1 more."""

    def read_state(self):
        return [values + 1 for values in super().read_state()]


@pytest.mark.cosim
@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Idle, "differ from the golden model's at"),
        (Wandering, "potentials of conv1 differ from the golden model's"),
    ],
)
def test_wrong_training_names_what_differs(kind, text):
    with kind(SimTransport(library()), CONFIG) as board:
        checks = program.run(board, ["training"], seed=2)
    assert set(results(checks).values()) == {FAILED}
    assert all(text in check.text for check in checks)


@pytest.mark.cosim
def test_every_rate_of_a_uart_is_tried():
    """Above its own rate a board may fail; below it must not."""
    model = UartModel(SimTransport(library()), carries=5_000_000, lacks=(460_800,))
    with LinkBoard(model, CONFIG) as board:
        checks = program.run(board, ["link"], [230_400, 460_800, OWN, 4_000_000, 6_000_000, 10**8])
        assert board.transport.rate == OWN
        assert board.registers()["uart_step"] == model.own
    assert results(checks) == {
        "230,400 baud": OK, "460,800 baud": SKIPPED, "3,000,000 baud (its own)": OK,
        "4,000,000 baud": OK, "6,000,000 baud": SKIPPED, "100,000,000 baud": SKIPPED,
    }  # fmt: skip
    assert "does not have 460800 baud" in named(checks, "460,800 baud").text
    assert "no answer at 6000000 baud" in named(checks, "6,000,000 baud").text
    assert "baud must be" in named(checks, "100,000,000 baud").text
    assert [check.figures["baud"] for check in checks][:2] == [230_400, 460_800]


@pytest.mark.cosim
@pytest.mark.parametrize("retries", [8, 0])
def test_a_noisy_rate_is_left_for_the_board_s_own(retries):
    """Whether the board's link gets through the noise or gives up."""
    model = UartModel(SimTransport(library()), noisy=5_000_000)
    with LinkBoard(model, CONFIG, retries=retries) as board:
        checks = program.run(board, ["link"], [OWN, 6_000_000, 8_000_000, 4_000_000])
        assert board.transport.rate == OWN
        assert board.registers()["uart_step"] == model.own
    assert list(results(checks).values()) == [OK, OK, SKIPPED, SKIPPED]
    if retries:
        text = named(checks, "8,000,000 baud").text
        assert text.startswith("above the board's own rate: 64 payloads")
        assert "65 requests repeated, 65 damaged on the way here" in text


@pytest.mark.cosim
def test_a_rate_below_its_own_must_work():
    with LinkBoard(UartModel(SimTransport(library()), carries=OWN), CONFIG) as board:
        original = board.transport.set_rate

        def slow_rates_are_cut(rate):
            original(rate)
            board.transport.carries = OWN if rate == OWN else 0

        board.transport.set_rate = slow_rates_are_cut
        checks = program.run(board, ["link"], [1_000_000, OWN])
    assert list(results(checks).values()) == [FAILED, OK]


@pytest.mark.cosim
def test_usual_rates_are_those_that_the_board_makes():
    with LinkBoard(UartModel(SimTransport(library())), CONFIG) as board:
        uart = link.uart_of(board)
    assert link.rates(uart, 3_333_333, None) == [
        230_400, 460_800, 921_600, 1_000_000, 2_000_000, 3_000_000, 3_333_333, 4_000_000,
        6_000_000, 8_000_000, 12_000_000,
    ]  # fmt: skip


@pytest.mark.cosim
def test_a_board_that_falls_silent_ends_the_test():
    class Silent(SimTransport):
        left = 20

        def receive(self, timeout):
            self.left -= 1
            return super().receive(timeout) if self.left > 0 else b""

    with LinkBoard(Silent(library()), CONFIG, retries=1) as board:
        checks = program.run(board)
    assert [(check.part, check.name, check.result) for check in checks][-1] == (
        "link", "stopped", FAILED,
    )  # fmt: skip
    assert "does not answer" in checks[-1].text


def test_the_smallest_configuration_trains_something():
    settings = training.Settings(interval=3)
    assert training.fitting(CoreConfig(), "events", settings) == training.CANDIDATES[0]
    assert training.fitting(TINY, "events", settings) is None
    with golden() as board:
        assert passed(list(training.check(board)))
        object.__setattr__(board, "config", TINY)
        checks = list(training.check(board))
    assert set(results(checks).values()) == {SKIPPED}
    assert "hold no such network" in checks[0].text
    assert not passed(checks)
    assert table(checks).endswith("FAILED: nothing was checked")


def test_a_result_is_one_of_three():
    with pytest.raises(ValueError, match="result must be ok, FAILED or skipped, not 'fine'"):
        Check("link", "x", "fine", "")


def test_the_golden_board_has_training_alone(capsys):
    assert program.main(["--board", "golden", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["board"], result["lanes"], result["passed"]) == ("golden model", 16, True)
    assert [c["result"] for c in result["checks"]] == [SKIPPED, SKIPPED, OK, OK, OK]
    assert result["checks"][2]["figures"]["weights_changed"] > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--board", "fpga"], "board must be sim, golden, uart:PORT"),
        (["--board", "uart:/dev/nothing"], "no board at /dev/nothing (no such device)"),
        (["--board", "golden", "--config", "nothing.json"], "nothing.json"),
        (["--board", "golden", "--config", "bad.json"], "bad.json is no config.json of a build"),
    ],
)
def test_no_board_ends_with_2(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.json").write_text('{"config": {"lanes": 7}}')
    assert program.main(options) == 2
    assert capsys.readouterr().err.startswith("boards selftest: ")


def test_unknown_parts_are_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        program.main(["--board", "golden", "--parts", "link,lights"])
    assert stopped.value.code == 2
    assert "must be of link, memory, training, not 'lights'" in capsys.readouterr().err


def test_ctrl_c_is_no_failure(monkeypatch, capsys):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "run", stop)
    assert program.main(["--board", "golden"]) == 130
    assert capsys.readouterr().err == "boards selftest: stopped\n"


def test_payloads_cover_the_shortest_and_the_longest():
    generator = link.random.Random(1)
    data = [link.payload(generator, number, 512) for number in range(64)]
    assert {0, 1, 512} <= {len(d) for d in data[:3]}
    assert max(map(len, data)) == 512
    share = [sum(b in (0xC0, 0xDB) for b in d) / max(1, len(d)) for d in data]
    assert max(share) > 0.1
    assert len({bytes(d) for d in itertools.islice(data, 3, None)}) == 61
