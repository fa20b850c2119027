"""Points, what they cost, and which of them are worth a look."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="host.explore needs the extra reference")
pytest.importorskip("optuna", reason="host.explore needs the extra explore")

from golden.cost import accelerator_cost, backpropagation, figure_of_merit, paper_cost
from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Network, Residual, lenet1_events
from golden.paper_networks import paper_network
from host import presets
from host.explore import pareto
from host.explore.costs import Costs, base_cost, costs
from host.explore.job import Job
from host.explore.space import ExploreError, Point, Range, Space, network_of, scaled
from tests.host import explore_cases

NETWORK = lenet1_events()
POINT = Point(10, 1, "trainable", 1.0, 1e-3, 1)


def test_points_are_every_combination_with_seeds_side_by_side():
    space = Space((10, 5), (2, 1), ("trainable", "random"), (1.0, 0.5), (1e-3,), (1, 2))
    points = space.points()
    assert len(points) == len(set(points)) == 32
    assert [point.seed for point in points[:4]] == [1, 2, 1, 2]
    assert len({point.name for point in points}) == 32
    assert len({point.candidate for point in points}) == 16


def test_names_keep_floats_apart():
    near = replace(POINT, rate=np.nextafter(1e-3, 1).item())
    assert near.name != POINT.name


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"k": (10, 5, 10)}, "--k must name each value once, not 10 twice"),
        ({"classifier": ("fixed",)}, r"--classifier must be of \('trainable', 'random'\), not 'fi"),
        ({"rate": (0.0,)}, r"--rate must be above 0, not 0\.0"),
        ({"width": (float("inf"),)}, "--width must be above 0, not inf"),
        ({"k": (0,)}, "--k must be above 0, not 0"),
    ],
)
def test_a_wrong_axis_is_refused(axes, message):
    with pytest.raises(ValueError, match=message):
        Space(**{"k": (5,), "n": (1,), **axes})


@pytest.mark.parametrize("ends", [(0, 1), (2, 1), (1, 1), (1, float("inf"))])
def test_a_wrong_range_is_refused(ends):
    with pytest.raises(ValueError, match="a range must be LOW:HIGH with 0 < LOW < HIGH, not"):
        Range(*ends)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"k": (10, 31)}, "--k must be at most T = 30, not 31"),
        ({"n": (5,)}, "--n must be at most the 4 hidden layers of network 'lenet1', not 5"),
        ({"width": (1.0, 100.0)}, "--width 100: neurons must be between 1 and 4096"),
        ({"width": Range(1.0, 100.0)}, "--width 100: neurons must be between 1 and 4096"),
    ],
)
def test_a_point_that_cannot_be_trained_is_refused(axes, message):
    with pytest.raises(ExploreError, match=message):
        Space(**{"k": (10,), "n": (1,), **axes}).check(NETWORK, 30)


def test_width_scales_channels_and_neurons():
    layers = (Conv(6, 3), AvgPool(2), Residual(1), Dense(5))
    network = Network((16, 16, 2), layers, 10)
    wide = scaled(network, 0.5)
    assert wide.layers == (Conv(3, 3), AvgPool(2), Residual(1), Dense(3))  # 2.5 and 0.5 go up
    assert wide.name == "network-width0.5"
    assert scaled(network, 0.01).layers == (Conv(1, 3), AvgPool(2), Residual(1), Dense(1))
    assert scaled(network, 1) is network


def test_costs_are_those_of_the_cost_model_and_the_layout():
    point = replace(POINT, n=2, classifier="random", width=0.5)
    found = costs(NETWORK, point, 30, lanes=8)
    network = network_of(NETWORK, point)
    assert (network.block_length, network.classifier) == (2, "random")
    ours = accelerator_cost(network, 10, 30, lanes=8)
    assert found.quantities["cycles"] == ours.total_cycles
    assert found.quantities["memory_bits"] == ours.memory_bits
    paper = paper_cost(network, 10, 30)
    assert found.quantities["macs"] == paper.macs
    base = paper_cost(backpropagation(NETWORK), 30, 30)
    assert found.merit == pytest.approx(figure_of_merit(paper, base))
    assert base_cost(replace(NETWORK, classifier="random"), 30) == base
    assert found.obstacles == tuple(place(network, presets.core_config(8), 10).excess()) == ()
    assert Costs.from_dict(found.to_dict()) == found


def test_what_does_not_fit_says_why():
    found = costs(NETWORK, replace(POINT, width=2.0), 30)
    assert any(line.startswith("weight_rows: needs") for line in found.obstacles)
    assert found.quantities["cycles"] > 0


def test_a_program_that_is_too_long_does_not_fit():
    layers = (*(Conv(2, 1) for _ in range(15)), Dense(4))
    found = costs(Network((6, 6, 2), layers, 10, name="deep"), POINT, 30)
    assert found.obstacles[0].startswith("program needs") or "layers: needs" in found.obstacles[0]


def test_a_network_for_the_float_reference_only_has_the_papers_costs():
    network = paper_network("vgg11", input_shape=(32, 32, 2), classes=10)
    found = costs(network, POINT, 10)
    assert set(found.quantities) == {"memory_access", "additions", "macs", "memory"}
    assert "which only the float reference can do" in found.obstacles[0]


@pytest.mark.parametrize("seed", range(20))
def test_front_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    accuracies, values = rng.integers(0, 6, (2, 15)).tolist()
    points = list(zip(accuracies, values, strict=True))
    best = [
        place
        for place, (a, c) in enumerate(points)
        if not any(x >= a and y <= c and (x > a or y < c) for x, y in points)
    ]
    found = pareto.front(accuracies, values)
    assert sorted(found) == best, f"seed {seed}: {points}"
    assert [values[place] for place in found] == sorted(values[place] for place in found)


def test_front_of_nothing_and_of_zeros():
    assert pareto.front([], []) == []
    assert pareto.front([0.0, 0.0, 0.0], [0.0, 1.0, 0.0]) == [0, 2]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--rate", "1e-4:1e-2"], "a grid needs a list of values for --rate, not a range"),
        (["--trials", "3"], "--trials is for --sampler tpe and nsga2"),
        (["--sampler", "tpe"], "--sampler tpe needs --trials of at least 1, not None"),
        (["--sampler", "nsga2", "--trials", "0"], "--sampler nsga2 needs --trials .* not 0"),
        (["--k", "5"], "--k must be at most T = 4, not 5"),
        (["--n", "1,3"], "--n must be at most the 2 hidden layers of network 'net', not 3"),
        (["--study", "a/b"], "--study must be letters, digits, '.', '_' and '-', not 'a/b'"),
        (["--validation", "40"], "--validation must be below the 40 training recordings, not 40"),
        (["--seed", str(2**31)], "seed must be between 0 and"),
        (["--dropout", "1"], "dropout must be at least 0 and below 1"),
        (["--network", "vgg"], "network must be one of"),
        (["--lanes", "3"], "lanes must be"),
    ],
)
def test_a_wrong_command_is_refused_before_anything_is_written(tmp_path, more, message):
    with pytest.raises((ExploreError, ValueError), match=message):
        explore_cases.job(tmp_path, *more)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("text", ["a", "1,,2", "1:2:3", "2:1"])
def test_a_wrong_list_is_refused(tmp_path, text, capsys):
    with pytest.raises(SystemExit):
        explore_cases.job(tmp_path, "--rate", text)
    assert "argument --rate: invalid" in capsys.readouterr().err


def test_defaults_are_those_of_data_and_network(tmp_path):
    job = explore_cases.job(tmp_path)
    assert job.space == Space((4,), (1,))
    assert (job.cost, job.plan["validation"], job.total) == ("cycles", 4, 1)
    assert "data_dir" not in job.settings["data"]
    assert Space((4,), (1,), rate=Range(1e-4, 1e-2)).describe().startswith(
        "k = 4; n = 1; classifier = trainable; width = 1; rate = 0.0001 to 0.01;"
    )  # fmt: skip


def test_cost_falls_back_where_the_accelerator_cannot_run_the_network(tmp_path):
    path = tmp_path / "norm.json"
    path.write_text('{"layers": [{"kind": "dense", "neurons": 4, "batch_norm": true}]}')
    assert explore_cases.job(tmp_path, "--network", str(path)).cost == "memory_access"
    with pytest.raises(ExploreError, match=r"--cost cycles cannot be had: .*batch normalisation"):
        explore_cases.job(tmp_path, "--network", str(path), "--cost", "cycles")


def test_blocks_of_several_lengths_need_n(tmp_path):
    path = tmp_path / "blocks.json"
    dense = '{"kind": "dense", "neurons": 4}'
    path.write_text(f'{{"layers": [{dense}, {dense}, {dense}], "block_length": [1, 2]}}')
    with pytest.raises(ExploreError, match=r"has blocks of \(1, 2\) layers: give --n"):
        explore_cases.job(tmp_path, "--network", str(path))


def test_a_job_refuses_unknown_names(tmp_path):
    job = explore_cases.job(tmp_path)
    for field, known in (("sampler", "grid, tpe, nsga2"), ("cost", "cycles, memory_bits")):
        with pytest.raises(ExploreError, match=f"--{field} must be one of {known}.*, not 'x'"):
            Job(**{**vars(job), field: "x"})
