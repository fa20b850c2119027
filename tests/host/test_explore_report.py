"""The report: tables, front, figure of merit, picture, and the network that goes on."""

import csv
import io
import json
import shlex
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="host.explore needs the extra reference")
pytest.importorskip("optuna", reason="host.explore needs the extra explore")

from golden.cost import backpropagation, figure_of_merit, paper_cost
from golden.cost.workloads import WORKLOADS
from golden.network import Network
from host import options as board_options
from host.cost_figures import measured
from host.explore import __main__ as command
from host.explore import picture, report, store, table
from host.explore.costs import costs
from host.explore.results import Results
from host.explore.space import ExploreError, network_of
from tests.host import explore_cases

ACCURACIES = {(4, 2): 0.9, (4, 1): 0.8, (1, 2): 0.85, (1, 1): 0.7}
GRID = ("--k", "4,1", "--n", "2,1")


def fill(job, accuracy, reject=()):
    """Carry out a study without training; `accuracy` of a point, on the validation recordings."""
    queue = store.Queue(job, store.create(job))
    queue.fill()
    while (taken := queue.take()) is not None:
        trial, point = taken
        cost = costs(job.network, point, job.recordings["steps"], job.lanes)
        trial.set_user_attr("costs", cost.to_dict())
        if (point.k, point.n) in reject:
            queue.reject(trial, "diverged", "training diverged: weights of fc1 reach 1e9")
            continue
        value = accuracy(point)
        queue.complete(trial, value, cost.quantities[job.cost], test_accuracy=value - 0.1,
                       seconds=1.5)  # fmt: skip
    return Results.of(queue.study)


@pytest.fixture
def found(tmp_path):
    job = explore_cases.job(tmp_path, *GRID)
    return fill(job, lambda point: ACCURACIES[point.k, point.n])


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_figure_of_merit_is_eq_18_against_plain_bp(found):
    assert found.base.point.k == 4
    assert found.base.point.n == 2
    base = paper_cost(backpropagation(found.network), 4, 4)
    for candidate in found.candidates:
        network = network_of(found.network, candidate.point)
        cost = paper_cost(network, candidate.point.k, 4)
        lost = 0.9 - ACCURACIES[candidate.point.k, candidate.point.n]
        assert found.merit(candidate) == pytest.approx(figure_of_merit(cost, base, lost))
    assert found.merit(found.base) == pytest.approx(1)


def test_without_plain_bp_accuracy_is_lost_against_the_best(tmp_path):
    job = explore_cases.job(tmp_path, "--k", "4,1", "--n", "1")
    found = fill(job, lambda point: ACCURACIES[point.k, point.n])
    assert found.base is None
    best, other = found.candidates
    assert found.merit(best) == pytest.approx(best.costs.merit)
    assert found.merit(other) == pytest.approx(other.costs.merit + 0.1)
    assert "against the best point, since the study has no plain BP" in table.to_markdown(found)


def test_csv_has_every_trial_the_most_accurate_first(found):
    lines = read_csv(table.to_csv(found))
    assert [float(line["accuracy"]) for line in lines] == [0.9, 0.85, 0.8, 0.7]
    assert [line["trial"] for line in lines] == ["0", "2", "1", "3"]
    front = {candidate.point for candidate in found.front}
    for line in lines:
        key = (int(line["k"]), int(line["n"]))
        assert line["pareto"] == str(int(key in {(p.k, p.n) for p in front}))
        assert (line["outcome"], line["fits"], line["seconds"]) == ("trained", "1", "1.5")
        assert float(line["cycles"]) > 0


def test_seeds_of_a_point_are_one_candidate(tmp_path):
    job = explore_cases.job(tmp_path, *GRID, "--seed", "2,1")
    found = fill(job, lambda point: ACCURACIES[point.k, point.n] + point.seed / 100)
    assert len(found.candidates) == 4
    best = found.candidates[0]
    assert best.accuracies == (0.91, 0.92)
    assert best.accuracy == pytest.approx(0.915)
    text = table.to_markdown(found)
    assert "| 91.50 (91.0, 92.0) |" in text
    assert "|   1, 0 |" in text
    report.write(found, tmp_path / "out")
    assert found.pick("1") == found.pick("0") == best


def test_markdown_says_what_was_done_and_what_was_not(tmp_path):
    job = explore_cases.job(tmp_path, *GRID, "--rate", "0.001,0.003", "--halve-every", "1")
    found = fill(job, lambda point: ACCURACIES[point.k, point.n] + point.rate, reject=[(1, 1)])
    text = table.to_markdown(found)
    assert "digits: 36 training recordings, T = 4. Network `net`: 8×8×2 – 3C3 – 6 – 10" in text
    assert "epochs 2, batch 16, optimizer adam, loss mse, halve_every 1." in text
    assert "Accuracy is on 4 training recordings that no trial trains on; the 10 test" in text
    assert "accuracy lost against plain BP at k = T of this study (k = 4, n = 2)" in text
    rows = [line for line in text.splitlines() if line.startswith("| ✓")]
    assert len(rows) == len(found.front)
    rejected = text.split("## Points without an accuracy")[1]
    assert rejected.count("diverged: weights of fc1 reach 1e9") == 2
    assert "0.003" in rejected


def test_points_that_do_not_fit_say_why_and_are_not_chosen(tmp_path):
    job = explore_cases.job(tmp_path, "--width", "300,1")
    found = fill(job, lambda point: 0.9 if point.width > 1 else 0.5)
    assert "Trial 0 does not fit: weight_rows: needs" in table.to_markdown(found)
    assert found.candidates[0].point.width == 300
    assert found.pick("accuracy").point.width == found.pick("fom").point.width == 1
    assert found.pick("0").point.width == 300
    large = replace(found, results=found.results[:1])
    assert large.pick("accuracy").point.width == 300


def test_what_cannot_be_picked_is_refused(found):
    with pytest.raises(ExploreError, match=r"--pick must be accuracy, fom or the nu.* not 'x'"):
        found.pick("x")
    with pytest.raises(ExploreError, match="study 's' has no trained trial yet"):
        replace(found, results=()).pick("accuracy")


@pytest.mark.parametrize("pick", ["accuracy", "fom", "1"])
def test_the_board_takes_the_command_that_is_printed(tmp_path, capsys, pick, found):
    job = explore_cases.job(tmp_path, *GRID)
    assert command.main(["report", str(job.folder), "--pick", pick]) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert words[:2] == ["python", "host/train_on_board.py"]
    taken = board_options.resolve(board_options.parser().parse_args(words[2:]))
    chosen = found.pick(pick)
    assert taken.network == network_of(found.network, chosen.point)
    assert taken.settings.interval == chosen.point.k
    assert (taken.data.steps, taken.data.shape) == (4, (8, 8, 2))


def test_report_by_name_and_by_storage(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path}/all.db"
    job = replace(explore_cases.job(tmp_path, *GRID), storage=url)
    fill(job, lambda point: ACCURACIES[point.k, point.n])
    assert command.main(["report", "s", "--storage", url, "--out", "there"]) == 0
    names = ["report.md", "trials.csv", "network.json", "pareto.png"]
    assert all((tmp_path / "there" / name).stat().st_size for name in names)
    assert command.main(["report", "--storage", url]) == 0
    assert (tmp_path / "runs" / "explore-s" / "report.md").is_file()
    assert "chosen by accuracy: k = 4, n = 2" in capsys.readouterr().out
    assert command.main(["report"]) == command.FAILED
    assert "give the name of a study or its folder, or --storage" in capsys.readouterr().err


def test_report_warns_of_what_does_not_fit(tmp_path, capsys):
    job = explore_cases.job(tmp_path, "--width", "300")
    fill(job, lambda point: 0.5)
    assert command.main(["report", str(job.folder)]) == 0
    assert "warning: it does not fit the board: weight_rows" in capsys.readouterr().out


def paper_study(tmp_path, **changes):
    """A study of the paper's EMNIST network on made-up accuracies."""
    work = WORKLOADS["EMNIST"]
    job = explore_cases.job(tmp_path, "--steps", "20", "--k", "20,1", "--n", "4,1", "--rate",
                            "0.01,0.001", "--seed", "1,2", "--width", "1,2",
                            "--network", "lenet1", "--size", "28")  # fmt: skip
    job = replace(
        job, network=work.build(1), data_options={**job.data_options, "name": "emnist"}, **changes
    )
    return fill(job, lambda point: 0.5 + point.rate + point.seed / 100 + point.width / 10)


def test_measured_accuracies_are_read_by_the_cost_figures(tmp_path):
    found = paper_study(tmp_path)
    report.write(found, tmp_path / "out")
    cells = measured.read(tmp_path / "out" / "measured.csv").accuracy
    assert {(cell.k, cell.n) for cell in cells} == {(20, 4), (20, 1), (1, 4), (1, 1)}
    for value in cells.values():  # the better rate, width 1, test accuracy, mean of both seeds
        assert value == pytest.approx(0.5 + 0.01 + 0.015 + 0.1 - 0.1)


def test_only_the_papers_workloads_are_measured(tmp_path, found):
    assert table.measured(found) is None
    other = paper_study(tmp_path, name="t", folder=tmp_path / "t")
    for name, change in (
        ("data", {"name": "mnist"}),
        ("recordings", {"steps": 10}),
        ("network", {**other.settings["network"], "classes": 10}),
    ):
        settings = {**other.settings, name: {**other.settings[name], **change}}
        assert table.workload(settings) is None
    assert table.workload(other.settings) is WORKLOADS["EMNIST"]


def test_network_file_is_the_chosen_network(tmp_path, found):
    written = report.write(found, tmp_path / "out", "fom")
    network = Network.from_dict(json.loads((tmp_path / "out" / "network.json").read_text()))
    assert network == network_of(found.network, written.chosen.point)
    assert f"    {written.command}\n" in (tmp_path / "out" / "report.md").read_text()


def test_a_picture_of_many_points_on_a_logarithmic_axis(tmp_path):
    job = explore_cases.job(tmp_path, "--k", "4,2,1", "--n", "2,1", "--width", "0.4,8",
                            "--classifier", "trainable,random")  # fmt: skip
    found = fill(job, lambda point: 0.5 + 0.01 * point.k + 0.001 * point.width)
    values = [found.value(candidate) for candidate in found.candidates]
    assert max(values) > picture.LOG_RATIO * min(values)
    written = report.write(found, tmp_path / "out")
    assert written.files[-1].read_bytes().startswith(b"\x89PNG")
