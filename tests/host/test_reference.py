"""Training of the float reference from its command line and from Python."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from golden.cost.workloads import WORKLOADS
from golden.network import AvgPool, Conv, Dense, Network, Residual
from host import checkpoint, datasets, train_on_board

torch = pytest.importorskip("torch", reason="the float reference needs the extra reference")
from golden.reference import block  # noqa: E402
from golden.reference.memory import LiveBytes  # noqa: E402
from golden.reference.model import ReferenceModel, to_matrix  # noqa: E402
from golden.reference.trainer import DivergedError  # noqa: E402
from host.reference import __main__ as command  # noqa: E402
from host.reference import allocator, codes, memory, peers, speed, training  # noqa: E402
from host.reference.batches import Batches  # noqa: E402
from host.reference.folder import ReferenceFolder  # noqa: E402
from host.reference.plan import ReferencePlan  # noqa: E402
from host.reference.training import ReferenceTraining  # noqa: E402
from host.run_folder import RunFolderError  # noqa: E402
from host.training import InterruptedRunError  # noqa: E402

pytestmark = pytest.mark.unit

SMALL = ("--train-limit", 40, "--test-limit", 10, "--steps", 6, "--size", 8, "--batch", 16)


@pytest.fixture
def program(tmp_path, tiny_network, monkeypatch, capsys):
    """Run the command; gives (status, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*options, small=True):
        own = [*SMALL, "--network", tiny_network, "--epochs", 2] if small else []
        status = command.main([options[0], *map(str, own), *map(str, options[1:])])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits", windows=6, size=8, train_limit=40, test_limit=10)


def network(data, **fields):
    layers = (Conv(4, 3), AvgPool(2), Dense(12))
    return Network(data.shape, layers, data.classes, encoding=data.encoding, **fields)


def lines(folder):
    records = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if k != "seconds"} for record in records]


def weights(folder):
    state = ReferenceFolder(folder).load_state(torch.device("cpu"))
    return {name: value.numpy() for name, value in state["model"].items()}


# ---- runs --------------------------------------------------------------------------------------


def test_a_run_leaves_its_folder(program, tmp_path):
    status, out, err = program("train", "--run-dir", "run", "--k", 3)
    assert status == 0, err
    assert "k = 3" in out
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "config.json", "metrics.jsonl", "state.pt", "learning_curve.png", "confusion.png",
        "network.json", "weights.npz",
    }  # fmt: skip
    records = lines(tmp_path / "run")
    assert [r["event"] for r in records].count("epoch") == 2
    assert records[-1]["samples"] == 80
    accuracy = records[-1]["test_accuracy"]
    assert f"test accuracy {accuracy:.2%}; state, metrics and pictures are in run" in out
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["model"] == "reference"
    assert config["plan"]["interval"] == 3


@pytest.mark.parametrize("classifier", ["trainable", "random"])
def test_a_float_run_goes_on_on_the_golden_board(program, tmp_path, capsys, classifier):
    status, out, err = program("train", "--run-dir", "run", "--k", 3, "--classifier", classifier)
    assert status == 0, err
    assert "host/train_on_board.py --dataset digits --network run/network.json" in out
    assert "weights in s16.14" in out
    options = ["--network", "run/network.json", "--weights", "run", "--k", "3", "--epochs", "1"]
    options += ["--steps", "6", "--size", "8", "--train-limit", "12", "--test-limit", "5"]
    assert train_on_board.main([*options, "--board", "golden", "--run-dir", "on"]) == 0
    first = checkpoint.load(tmp_path / "run" / "weights.npz").weights
    for layer, code, real in zip(
        checkpoint.load(tmp_path / "on" / "weights.npz").network.weighted, first,
        ReferenceFolder(tmp_path / "run").load_state(torch.device("cpu"))["model"].values(),
        strict=True,
    ):  # fmt: skip
        step = 2.0**-14
        error = np.abs(code * step - to_matrix(real, layer).numpy()).max()
        assert error <= (3 if layer.random else 1) * step / 2 + 1e-7, layer.name


def test_what_the_accelerator_cannot_run_is_named(digits, tmp_path):
    net = replace(network(digits), layers=(Conv(4, 3, batch_norm=True),))
    run = ReferenceTraining(net, digits, ReferencePlan(6), on="cpu")
    with pytest.raises(ValueError, match="conv1 of network 'network' has batch normalisation"):
        codes.write(ReferenceFolder(tmp_path), run.model, run.plan)
    assert not list(tmp_path.iterdir())


def test_k_is_T_by_default_and_a_run_folder_gets_a_number(program, tmp_path):
    status, out, err = program("train")
    assert status == 0, err
    assert "k = 6" in out
    assert (tmp_path / "runs" / "reference-digits-1" / "state.pt").is_file()


def test_same_seed_same_weights_and_another_seed_others(program, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert program("train", "--run-dir", name, "--seed", seed, "--dropout", 0.2)[0] == 0
    a, b, c = (weights(tmp_path / name) for name in "abc")
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert not any(np.array_equal(a[name], c[name]) for name in a)


@pytest.mark.parametrize("stop_at", [1, 2, 4])
@pytest.mark.parametrize("update_every", [1, 2])
def test_a_run_that_was_stopped_goes_on_exactly(digits, tmp_path, stop_at, update_every):
    """Stopped after so many batches, in the middle of an epoch too; dropout and Adam go on."""
    plan = ReferencePlan(
        4, epochs=2, batch=16, dropout=0.2, seed=3, update_every=update_every, halve_every=1
    )
    net = network(digits)

    def folder(name):
        made = ReferenceFolder.create(tmp_path / name, "")
        made.write_config({})
        return made

    whole = folder("whole")
    wanted = ReferenceTraining(net, digits, plan, whole, on="cpu").run()
    broken = folder("broken")
    first = ReferenceTraining(net, digits, plan, broken, on="cpu", say=lambda text: None)
    train_batch, calls = first.trainer.train_batch, []

    def counted(*arguments):
        calls.append(1)
        if len(calls) == stop_at:
            first._on_stop()
        return train_batch(*arguments)

    first.trainer.train_batch = counted
    with pytest.raises(InterruptedRunError):
        first.run()
    got = ReferenceTraining(net, digits, plan, ReferenceFolder(broken.path), on="cpu").run()
    assert lines(broken.path) == lines(whole.path)
    np.testing.assert_array_equal(got.confusion, wanted.confusion)
    mine, other = weights(broken.path), weights(whole.path)
    for name, value in other.items():
        np.testing.assert_array_equal(mine[name], value)


def test_resume_takes_more_epochs_and_refuses_other_settings(program, tmp_path):
    assert program("train", "--run-dir", "run")[0] == 0
    status, out, err = program("train", "--resume", "run", "--epochs", 3, small=False)
    assert status == 0, err
    assert "epoch 3/3" in out
    assert "epoch 2/" not in out
    status, _, err = program("train", "--resume", "run", "--rate", 0.1, "--k", 2, small=False)
    assert status == 2
    assert "leave out --k, --rate" in err


def test_learning_beats_chance(digits):
    data = datasets.load("digits", train_limit=300, test_limit=100)
    plan = ReferencePlan(10, epochs=3, batch=16, rate=3e-3)
    net = Network(data.shape, (Conv(8, 5, stride=2), Dense(64)), data.classes)
    assert ReferenceTraining(net, data, plan, on="cpu", say=lambda text: None).run().accuracy > 0.5


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_plan_reaches_the_optimizer(digits, optimizer):
    plan = ReferencePlan(6, epochs=4, optimizer=optimizer, rate=0.01, momentum=0.5, halve_every=2)
    made = ReferenceTraining(network(digits, classifier="random"), digits, plan, on="cpu")
    group = made.optimizer.param_groups[0]
    assert type(made.optimizer).__name__.lower() == optimizer
    assert group.get("momentum", 0.5) == 0.5
    assert len(group["params"]) == 2  # not the random classifiers
    assert [plan.rate_in(epoch) for epoch in range(4)] == [0.01, 0.01, 0.005, 0.005]


def test_validation_is_held_out_of_training(digits):
    plan = ReferencePlan(6, validation=10)
    train, held = training.splits(digits, plan)
    assert (len(train), len(held)) == (30, 10)
    assert not set(train.names) & set(held.names)
    assert sorted(held.labels) == list(range(10))


def test_batches_hold_what_the_data_set_holds(digits):
    batches = Batches(digits, digits.train, 16, 0, torch.device("cpu"))
    order = np.arange(39, -1, -1)
    made = list(batches.run(order))
    assert [frames.shape for frames, _ in made] == [(6, 16, 2, 8, 8)] * 2 + [(6, 8, 2, 8, 8)]
    frames, labels = made[0]
    for position in range(16):
        sample = digits.train[39 - position]
        np.testing.assert_array_equal(frames[:, position].permute(0, 2, 3, 1), sample.frames)
        assert labels[position] == sample.label


def test_batch_norm_needs_more_than_one_value_per_channel(digits):
    net = replace(network(digits), layers=(Conv(4, 3), Dense(8, batch_norm=True)))
    with pytest.raises(ValueError, match=r"fc2 has batch normalisation.*batch 13 .* 1 left"):
        ReferenceTraining(net, digits, ReferencePlan(1, batch=13), on="cpu")
    ReferenceTraining(net, digits, ReferencePlan(2, batch=13), on="cpu")


def test_residuals_train_on_images(tmp_path):
    data = datasets.load("digits", windows=4, size=8, train_limit=20, test_limit=10)
    net = Network(
        data.shape, (Conv(4, 3, 1, batch_norm=True), Residual(4), Residual(8, 2), AvgPool(2)),
        data.classes,
    )  # fmt: skip
    outcome = ReferenceTraining(net, data, ReferencePlan(2, epochs=1, batch=10), on="cpu").run()
    assert outcome.confusion.sum() == 10


# ---- what can go wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--k", 7), "k must be between 1 and T = 6, not 7"),
        (("--k", 0), "interval must be between 1 and 2147483647, not 0"),
        (("--n", 2), "block_length must be between 1 and 1, not 2"),
        (("--rate", 0), "rate must be above 0, not 0.0"),
        (("--momentum", 1), "momentum must be at least 0 and below 1, not 1.0"),
        (("--dropout", 1), "dropout must be at least 0 and below 1, not 1.0"),
        (("--batch", 0), "batch must be between 1 and 2147483647, not 0"),
        (("--validation", 40), "validation must be below the 40 training recordings, not 40"),
        (("--device", "cuda:77"), "device 'cuda:77' cannot be used"),
        (("--dataset", "nmnis"), "did you mean 'nmnist'?"),
        (("--resume", "nowhere"), "leave out"),
    ],
)
def test_a_wrong_option_is_one_line_and_leaves_nothing(program, tmp_path, options, expected):
    before = set(tmp_path.rglob("*"))
    status, _, err = program("train", *options)
    assert status == 2
    assert expected in err
    assert err.startswith("host.reference: error: ")
    assert err.count("\n") == 1
    assert set(tmp_path.rglob("*")) == before


def test_a_missing_torch_is_one_line():
    """Before anything that needs it is imported."""
    code = (
        "import sys; sys.modules['torch'] = None; from host.reference.__main__ import main; "
        "sys.exit(main(['train']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("host.reference: torch is not installed: pip install")
    assert done.stderr.count("\n") == 1


def test_an_unknown_network_names_those_there_are(program):
    status, _, err = program("train", "--network", "alexnot", small=False)
    assert status == 2
    assert "or an existing JSON file, not 'alexnot'; did you mean 'alexnet'?" in err


def test_divergence_is_said_and_the_checkpoint_stays(digits, tmp_path):
    plan = ReferencePlan(6, epochs=3, batch=8, optimizer="sgd", rate=1e12)
    folder = ReferenceFolder.create(tmp_path / "run", "")
    run = ReferenceTraining(network(digits), digits, plan, folder, on="cpu")
    with pytest.raises(DivergedError, match=r"training diverged: weights of .* lower the learning"):
        run.run()
    state = folder.load_state(torch.device("cpu"))
    assert all(bool(torch.isfinite(value).all()) for value in state["model"].values())


def test_a_silent_output_is_said(digits):
    said = []
    run = ReferenceTraining(
        network(digits), digits, ReferencePlan(6, epochs=1, rate=1e-9), on="cpu", say=said.append
    )
    run._begin()
    with torch.no_grad():
        for weight in run.model.weights:
            weight.zero_()
    run._evaluate("now")
    assert said == ["now: the output fired for no test recording (rate too high?)"]


@pytest.mark.parametrize("content", [b"", b"no zip", None])
def test_a_damaged_state_is_named(tmp_path, content):
    folder = ReferenceFolder(tmp_path)
    if content is None:
        torch.save([1, 2], folder.state)
    else:
        folder.state.write_bytes(content)
    with pytest.raises(RunFolderError, match=r"state\.pt is damaged"):
        folder.load_state(torch.device("cpu"))


def test_plan_names_a_wrong_optimizer_and_loss():
    with pytest.raises(ValueError, match=r"optimizer must be one of .*, not 'lion'"):
        ReferencePlan(1, optimizer="lion")
    with pytest.raises(ValueError, match=r"loss must be one of .*, not 'hinge'"):
        ReferencePlan(1, loss="hinge")


# ---- memory and speed --------------------------------------------------------------------------


def test_memory_falls_with_k_and_n_and_needs_no_values(monkeypatch):
    monkeypatch.setattr(block, "IMAGES", 8)  # temporaries of two steps
    net = Network((12, 12, 2), (Conv(4, 3), AvgPool(2), Conv(6, 3), Dense(20)), 5)
    found = {}
    for on in ("meta", "cpu"):
        made = memory.measure(net, 24, (24, 12, 6), (3, 2, 1), 4, torch.device(on))
        found[on] = {(line.k, line.n): (line.saved, line.live) for line in made}
    for (saved, live), (same_saved, same_live) in zip(
        found["meta"].values(), found["cpu"].values(), strict=True
    ):
        assert saved == same_saved
        assert abs(live - same_live) < 0.05 * live  # a convolution's work space differs
    saved = {cell: values[0] for cell, values in found["cpu"].items()}
    live = {cell: values[1] for cell, values in found["cpu"].items()}
    for n in (3, 2, 1):
        steps = [saved[24, n] - saved[12, n], saved[12, n] - saved[6, n]]
        assert steps[0] == 2 * steps[1]  # linear in k
        growth = live[24, n] - live[12, n]
        assert steps[0] <= growth < 1.6 * steps[0]  # beside it frames and spikes go up the blocks
    assert saved[12, 3] > saved[12, 2] > saved[12, 1]
    assert live[24, 3] > max(live[24, 2], live[24, 1])
    # of the largest block and step a byte per spike that weights read, and one of h per neuron
    bytes_of_a_step = (12 * 12 * 2 + 5 * 5 * 4) + (10 * 10 * 4 + 5 * 5 * 4 + 5)
    assert abs(saved[24, 1] / 4 / 24 - bytes_of_a_step) < 12


def test_nothing_lives_on_after_an_interval():
    net = Network((12, 12, 2), (Conv(4, 3), AvgPool(2), Dense(20)), 5)
    with LiveBytes() as live:
        reference = ReferenceModel(net)
        frames, labels = torch.ones(8, 4, 2, 12, 12, dtype=torch.uint8), torch.tensor([0, 1, 2, 3])
        reference.train_interval(frames, labels)
        before = live.now
        for _ in range(3):
            reference.train_interval(frames, labels)
    assert live.now == before


def test_memory_command_writes_table_picture_and_measurements(program, tmp_path):
    status, out, err = program(
        "memory", "EMNIST", "--k", "20,1", "--n", "4,1", "--picture", "memory.png", "--csv",
        "measured.csv", small=False,
    )  # fmt: skip
    assert status == 0, err
    rows = [line for line in out.splitlines() if line.startswith("| ")]
    assert len(rows) == 5
    assert rows[1].split("|")[4].strip() == "+0.0 %"
    assert (tmp_path / "memory.png").stat().st_size > 5_000
    header, *cells = (tmp_path / "measured.csv").read_text().splitlines()
    assert header == "network,data,k,n,classifier,accuracy,saved_bytes"
    assert len(cells) == 4
    work = WORKLOADS["EMNIST"]
    assert cells[0].startswith(f"lenet1,EMNIST,{work.steps},{work.ns[0]},trainable,,")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("CIFAR",), "DATA must be one of EMNIST, DvsGesture, CIFAR10, CIFAR10-DVS, not 'CIFAR'"),
        (("--network", "lenet1"), "--network needs --steps"),
        (("EMNIST", "--k", "21"), "k must be between 1 and T = 20, not 21"),
        (("EMNIST", "--n", "5"), "block_length must be between 1 and 4, not 5"),
        (("EMNIST", "--batch", "0"), "batch must be at least 1, not 0"),
    ],
)
def test_memory_errors(program, options, expected):
    status, _, err = program("memory", *options, small=False)
    assert status == 2
    assert expected in err


def test_speed_table_compares_with_the_faster_library():
    made = [
        speed.Line("reference (10,4), BPTT", 1, 30.0), speed.Line("snnTorch, BPTT", 1, 10.0),
        speed.Line("SpikingJelly, BPTT", 1, 20.0),
    ]  # fmt: skip
    rows = speed.table(made).splitlines()
    assert rows[2] == "| reference (10,4), BPTT | 30.0 | 1.50 |"
    assert rows[3] == "| snnTorch, BPTT | 10.0 | 0.50 |"


def test_speed_runs_every_program_that_is_there():
    found = {line.name for line in speed.measure(3, (2,), 1, torch.device("cpu"))}
    wanted = {"reference (3,4), BPTT", "reference (1,1)"}
    wanted |= {"snnTorch, BPTT"} if peers.available("snntorch") else set()
    wanted |= {"SpikingJelly, BPTT"} if peers.available("spikingjelly") else set()
    assert found == wanted


def test_allocator_can_be_told_on_linux():
    assert allocator.keep_freed_memory() in (True, False)
