"""The driver on the virtual board and on the golden model: one interface, one result."""

from dataclasses import replace

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.layout import DoesNotFitError
from golden.network import Dense, Network
from golden.random_weights import pattern
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import driver
from host.driver import BoardError, GoldenBoard, LinkBoard, identify, open_board
from host.link import Link
from host.protocol.packets import MAGIC, READ_ONLY, VERSION, Packet, Space
from host.transport.base import Transport
from tests.host.boards import (
    CONFIG,
    NETWORK,
    SETTINGS,
    assert_same,
    contents,
    golden,
    recordings,
    sim,
    weights,
)

pytestmark = pytest.mark.cosim

BOARDS = {"sim": sim, "golden": golden}


@pytest.fixture(params=BOARDS)
def board(request):
    with BOARDS[request.param]() as opened:
        yield opened


@pytest.fixture
def loaded(board):
    board.load(NETWORK, SETTINGS, weights())
    return board


@pytest.mark.parametrize("stall", [0, 40, 200])
def test_training_equals_golden(stall):
    model = GoldenModel(NETWORK, CONFIG.formats, SETTINGS, weights(), strict=False)
    with sim(stall=stall) as board:
        board.load(NETWORK, SETTINGS, weights())
        for sample in recordings(4):
            counts = board.train_sample(sample.frames, sample.label)
            assert np.array_equal(counts, model.train_sample(sample.frames, sample.label))
        assert board.trained_intervals == model.trained_intervals
        got = contents(board)
        assert_same(
            got, {"weights": model.weights, "momentum": model.momentum, "state": model.carry}
        )
        # A comparison of nothing with nothing would also pass.
        assert any((a != b).any() for a, b in zip(got["weights"], weights(), strict=True))
        assert board.counters()["cycles"] > 0


def test_boards_cannot_be_told_apart():
    results = []
    for make in BOARDS.values():
        with make() as board:
            board.load(NETWORK, SETTINGS, weights())
            samples = recordings(5)
            trained = [c.tolist() for c in board.run_samples(samples, learn=True, update_every=2)]
            board.set_halvings(2)
            trained += [c.tolist() for c in board.run_samples(samples[:2], learn=True)]
            accuracy = board.evaluate(samples)
            classes = [board.predict(s.frames) for s in samples]
            saturated = {k: v for k, v in board.counters().items() if k.startswith("saturated")}
            results.append((trained, accuracy, classes, saturated, contents(board)))
    assert results[0][:4] == results[1][:4]
    assert_same(results[0][4], results[1][4])


def test_pipelined_intervals_equal_single_ones():
    samples = recordings(3)
    with sim() as board:
        board.load(NETWORK, SETTINGS, weights())
        together = list(board.run_samples(samples, learn=True))
        first = contents(board)
        board.load(NETWORK, SETTINGS, weights())
        for sample, expected in zip(samples, together, strict=True):
            counts = 0
            for step in range(0, 7, 3):
                frames = sample.frames[step : step + 3]
                counts = counts + board.train_interval(frames, sample.label, start=step == 0)
            assert np.array_equal(counts, expected)
        assert_same(first, contents(board))


def test_next_interval_is_sent_while_one_is_computed():
    with sim() as board:
        board.load(NETWORK, SETTINGS, weights())
        sample = recordings(1)[0]
        board.submit(sample.frames[:3], 0, start=True, learn=True)
        board.submit(sample.frames[3:6], 0, start=False, learn=True)
        registers = board.registers()
        assert registers["next_run"] == 2
        assert registers["finished_runs"] < 2
        assert registers["status"] == 1
        board.collect()
        board.collect()
        assert board.registers()["status"] == 0


def test_weights_and_momentum_are_read_back(loaded):
    rng = np.random.default_rng(3)
    for name, limit in (("weights", 2**15), ("momentum", 2**17)):
        values = [rng.integers(-limit, limit, w.shape) for w in weights()]
        getattr(loaded, f"write_{name}")(values)
        assert_same({name: getattr(loaded, f"read_{name}")()}, {name: values})


def test_load_forgets_everything(loaded):
    for sample in recordings(2):
        loaded.train_sample(sample.frames, sample.label)
    loaded.set_halvings(1)
    loaded.load(NETWORK, SETTINGS)
    zeros = contents(loaded)
    assert not any(array.any() for arrays in zeros.values() for array in arrays)
    assert loaded.trained_intervals == loaded.halvings == 0
    assert loaded.counters()["saturated_delta"] == 0


def test_evaluation_changes_no_weights(loaded):
    before = contents(loaded)
    loaded.evaluate(recordings(2))
    after = contents(loaded)
    assert_same({"w": before["weights"]}, {"w": after["weights"]})
    assert_same({"v": before["momentum"]}, {"v": after["momentum"]})
    assert loaded.trained_intervals == 0


def test_profile_names_instructions_and_layers():
    with sim() as board:
        board.load(NETWORK, SETTINGS, weights())
        sample = recordings(1)[0]
        board.train_sample(sample.frames, sample.label)
        entries = board.profile()
        names = {(e["op"], e["layer"], e["other"]) for e in entries}
        assert ("FORWARD", "conv1", "input") in names
        assert ("BACKWARD", "classifier1", "pool1") in names
        forward = next(e for e in entries if e["op"] == "FORWARD")
        assert forward["cycles"] >= forward["operations"] > 0
        assert sum(e["cycles"] for e in entries) < board.counters()["cycles"]
        board.clear_counters()
        assert not any(e["cycles"] or e["lanes"] for e in board.profile())
        assert not board.counters()["saturated_delta"]


@pytest.mark.parametrize("packet_bytes", [48, 32])
def test_intervals_longer_than_a_packet_are_cut(packet_bytes):
    """Three frames of 12 bytes: FRAMES takes all three, or two and one, and RUN none."""
    with sim() as board:
        board.load(NETWORK, SETTINGS, weights())
        whole = contents_after(board)
        board.load(NETWORK, SETTINGS, weights())
        object.__setattr__(board.config, "packet_bytes", packet_bytes)
        try:
            assert_same(whole, contents_after(board))
        finally:
            object.__setattr__(board.config, "packet_bytes", CONFIG.packet_bytes)
        assert board.link.statistics.requests["FRAMES"] > 0


def contents_after(board):
    for sample in recordings(2, density=0.5):
        board.train_sample(sample.frames, sample.label)
    return contents(board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"frames": np.zeros((3, 6, 7, 1), np.uint8)},
            r"frames must have shape \(steps, 6, 7, 2\)",
        ),
        ({"frames": np.full((3, 6, 7, 2), 2, np.uint8)}, "frames must hold 0 and 1 only"),
        ({"frames": np.zeros((4, 6, 7, 2), np.uint8)}, "up to 3 steps"),
        ({"label": 3}, r"label must be in 0\.\.2, not 3"),
        ({"label": -1}, r"label must be in 0\.\.2, not -1"),
    ],
)
def test_bad_intervals_are_refused_and_nothing_is_sent(loaded, change, message):
    before = contents(loaded)
    values = {"frames": np.ones((3, 6, 7, 2), np.uint8), "label": 0, "start": True, "learn": True}
    with pytest.raises(ValueError, match=message):
        loaded.run_interval(**{**values, **change})
    assert_same(before, contents(loaded))


def test_bad_weights_are_refused(loaded):
    good = weights()
    for bad, error, message in (
        (good[:-1], ValueError, "weights must hold 4 arrays, not 3"),
        ([w[:-1] for w in good], ValueError, r"weights of conv1 must have shape \(18, 3\)"),
        ([w * 2.0 for w in good], TypeError, "weights of conv1 must be integers, not float64"),
        ([w * 0 + 32768 for w in good], ValueError, "weights of conv1 must fit 16 bits"),
    ):
        with pytest.raises(error, match=message):
            loaded.write_weights(bad)
    assert_same({"w": loaded.read_weights()}, {"w": good})


def test_network_that_does_not_fit_changes_nothing(loaded):
    with pytest.raises(DoesNotFitError, match=r"weight_rows: needs .*, has 512"):
        loaded.load(Network((6, 7, 2), (Dense(100),), 3), SETTINGS)
    assert_same({"w": loaded.read_weights()}, {"w": weights()})


def test_program_that_is_too_long_changes_nothing(loaded):
    deep = Network((1, 1, 2), (Dense(2),) * 6, 3)
    with pytest.raises(DoesNotFitError, match=r"program needs \d+ instructions, the core has 64"):
        loaded.load(deep, Settings(interval=3))
    assert_same({"w": loaded.read_weights()}, {"w": weights()})


def test_random_classifiers_take_their_pattern_alone(board):
    network = replace(NETWORK, classifier="random")
    layers = network.weighted
    with pytest.raises(ValueError, match="classifier1 are random"):
        board.load(network, SETTINGS, weights(network))
    good = [
        pattern(SETTINGS.seed, layer) * 700 if layer.random else weight
        for layer, weight in zip(layers, weights(network), strict=True)
    ]
    board.load(network, SETTINGS, good)
    assert_same({"w": board.read_weights()}, {"w": good})
    for sample in recordings(2, network=network):
        board.train_sample(sample.frames, sample.label)
    for layer, before, after in zip(layers, good, board.read_weights(), strict=True):
        assert np.array_equal(before, after) == layer.random


def test_settings_that_do_not_suit_are_refused(loaded):
    with pytest.raises(ValueError, match="layer_shifts must hold 1 or 4 values, not 2"):
        loaded.load(NETWORK, Settings(interval=3, layer_shifts=(1, 2)))
    with pytest.raises(ValueError, match="update shift of conv1 must be between -15 and 31"):
        loaded.set_halvings(40)
    assert loaded.halvings == 0


def test_order_of_calls_is_checked(board):
    with pytest.raises(BoardError, match=r"holds no network: call load\(\) first"):
        board.read_weights()
    board.load(NETWORK, SETTINGS)
    frames = recordings(1)[0].frames[:3]
    with pytest.raises(BoardError, match="must start a sample"):
        board.submit(frames, 0, start=False, learn=True)
    with pytest.raises(BoardError, match="no interval was submitted"):
        board.collect()
    board.submit(frames, 0, start=True, learn=True)
    with pytest.raises(BoardError, match="collect the counts"):
        board.run_interval(frames, 0, start=True, learn=True)
    board.collect()
    with pytest.raises(ValueError, match="samples must hold at least one recording"):
        board.evaluate([])
    with pytest.raises(ValueError, match="update_every must be at least 1, not 0"):
        list(board.run_samples([], learn=True, update_every=0))


class Canned(Transport):
    """Answers HELLO with given registers."""

    name = "canned board"
    timeout = 0.001

    def __init__(self, words):
        self.words = words
        self.sent = b""

    def send(self, data):
        self.sent = data

    def receive(self, timeout):
        from host.link import decode, encode

        packet = decode(self.sent[1:-1])
        payload = b"".join(word.to_bytes(4, "little") for word in self.words)
        return encode(packet[0] | 0x80, packet[1], b"\0" + payload)

    def close(self):
        self.sent = None


def description(config=CONFIG, **changes):
    values = {"magic": MAGIC, "version": VERSION, "config_hash": config.hash}
    values |= {f"config_{k}": v for k, v in config.to_words().items()}
    values |= changes
    return [values[name] for name in READ_ONLY]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no board of this project: magic is nothing"),
        ([5, 1], "no board of this project: magic is 0x00000005"),
        (description(version=1), "speaks protocol version 1, this driver version 3"),
        (description()[:-1], "describing registers, not"),
        (description(config_hash=1), "configuration hash 00000001, its fields give"),
        (description(config_lanes=7), "not valid: lanes must be a power of two, not 7"),
    ],
)
def test_other_boards_are_refused(words, message):
    transport = Canned(words)
    with pytest.raises(BoardError, match=message):
        LinkBoard(transport)
    assert transport.sent is None, "the transport must be closed"


def test_board_of_another_configuration_is_refused():
    wanted = CoreConfig(lanes=16)
    with pytest.raises(BoardError, match="another configuration: lanes is 8, not 16"):
        LinkBoard(Canned(description()), wanted)
    assert identify(Link(Canned(description()))) == CONFIG


@pytest.mark.parametrize(
    "name",
    [
        "fpga", "uart", "uart:", "uart:a,", "uart:a,fast", "sim:1", "", "pcie", "pcie:",
        "pcie:/dev/xdma0,", "pcie:a,-1",
    ],
)  # fmt: skip
def test_unknown_boards_are_refused(name):
    with pytest.raises(
        ValueError, match=r"must be sim, golden, uart:PORT\[,BAUD\] or pcie:DEVICE\[,CHANNEL\], not"
    ):
        open_board(name)


def test_open_board_knows_golden_and_sim(monkeypatch):
    assert isinstance(open_board("golden"), GoldenBoard)
    with open_board("sim", CONFIG) as board:
        assert board.config == CONFIG


def test_board_that_stays_busy_is_reported(monkeypatch):
    monkeypatch.setattr(driver, "INTERVAL_SECONDS", 0.0)
    with sim() as board:
        board.load(NETWORK, SETTINGS, weights())
        frames = recordings(1)[0].frames[:3]
        board.submit(frames, 0, start=True, learn=True)
        with pytest.raises(BoardError, match="is busy for more than 0 s: reset it"):
            board.write_rows(Space.WEIGHTS, bytes(16))
        assert board.link.statistics.requests[Packet.RUN.name] == 1


def test_updates_are_counted_across_calls():
    """Weights change after every fourth trained interval, however recordings are handed over."""
    with golden() as board:
        board.load(NETWORK, SETTINGS, weights())
        samples = recordings(5)  # of three intervals each
        list(board.run_samples(samples, learn=True, update_every=4))
        together = contents(board)
        board.load(NETWORK, SETTINGS, weights())
        updates = []
        submit = board._submit

        def noted(frames, label, start, learn, update):
            updates.append(update)
            return submit(frames, label, start, learn, update)

        board._submit = noted
        for sample in samples:
            list(board.run_samples([sample], learn=True, update_every=4))
            board.evaluate([sample])  # does not count
        apart = contents(board)
        del apart["state"], together["state"]  # of another recording
        assert_same(apart, together)
        learned = [u for i, u in enumerate(updates) if i % 6 < 3]
        assert learned == [number % 4 == 3 for number in range(15)]
