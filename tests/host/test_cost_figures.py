"""``python -m host.cost_figures``: measurements, panels, pictures."""

import matplotlib.image
import pytest

from golden.cost.paper import figure_of_merit, paper_cost
from golden.cost.workloads import WORKLOADS
from host.cost_figures import __main__ as command
from host.cost_figures import figures
from host.cost_figures.measured import Cell, MeasuredError, read

pytestmark = pytest.mark.unit

HEADER = "network,data,k,n,classifier,accuracy,saved_bytes\n"
LINES = """lenet1,EMNIST,20,4,trainable,0.80,4000
lenet1,EMNIST,20,4,trainable,0.82,4000
lenet1,EMNIST,1,2,trainable,0.77,300
lenet1,EMNIST,5,1,random,,200
lenet2,DvsGesture,10,1,trainable,0.9,
alexnet,CIFAR10,10,8,trainable,0.6,
alexnet,CIFAR10,2,4,random,0.5,7
"""


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "measured.csv"
    path.write_text(HEADER + LINES)
    return path


def test_seeds_are_averaged_and_empty_fields_left_out(csv):
    measured = read(csv)
    assert measured.accuracy[Cell("EMNIST", 20, 4, "trainable")] == pytest.approx(0.81)
    assert Cell("EMNIST", 5, 1, "random") not in measured.accuracy
    assert measured.saved_bytes[Cell("EMNIST", 5, 1, "random")] == 200
    assert Cell("DvsGesture", 10, 1, "trainable") not in measured.saved_bytes


def test_columns_of_measurements_may_be_missing(tmp_path):
    path = tmp_path / "few.csv"
    path.write_text("k,n,classifier,data,network,seed\n1,1,random,CIFAR10,alexnet,3\n")
    measured = read(path)
    assert not measured.accuracy
    assert not measured.saved_bytes


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("lenet1,MNIST,1,1,random,0.5,", "data must be one of EMNIST, DvsGesture, CIFAR10, "
         "CIFAR10-DVS, not 'MNIST'"),
        ("lenet2,EMNIST,1,1,random,0.5,", "network of EMNIST must be 'lenet1', not 'lenet2'"),
        ("lenet1,EMNIST,21,1,random,0.5,", "k must be a whole number between 1 and 20, not '21'"),
        ("lenet1,EMNIST,1.5,1,random,0.5,", "k must be a whole number between 1 and 20, not '1.5'"),
        ("lenet1,EMNIST,1,5,random,0.5,", "n must be a whole number between 1 and 4, not '5'"),
        ("lenet1,EMNIST,1,1,fixed,0.5,", "classifier must be one of ('trainable', 'random'), not "
         "'fixed'"),
        ("lenet1,EMNIST,1,1,random,93.1,", "accuracy must be a number between 0 and 1, not '93.1'"),
        ("lenet1,EMNIST,1,1,random,nan,", "accuracy must be a number between 0 and 1, not 'nan'"),
        ("lenet1,EMNIST,1,1,random,0.5,-4", "saved_bytes must be a number between 1 and "),
        ("lenet1,EMNIST,,1,random", "k must be a whole number between 1 and 20, not ''"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named(line, text, tmp_path, capsys):
    path = tmp_path / "wrong.csv"
    path.write_text(HEADER + LINES + line + "\n")
    with pytest.raises(MeasuredError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}, line 9: ")
    assert text in str(error.value)
    assert command.main(["--out", str(tmp_path / "out"), "--measured", str(path)]) == 2
    assert f"host.cost_figures: {path}, line 9: " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_columns_and_files_are_named(tmp_path, capsys):
    path = tmp_path / "wrong.csv"
    path.write_text("network,data,k\n")
    with pytest.raises(MeasuredError, match="no column n, classifier; it needs"):
        read(path)
    path.write_text("")
    with pytest.raises(MeasuredError, match="no column network, data, k, n, classifier"):
        read(path)
    assert command.main(["--measured", str(tmp_path / "absent.csv")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_without_measurements_nothing_measured_is_drawn(tmp_path, capsys):
    assert command.main(["--out", str(tmp_path / "a" / "b")]) == 0
    names = {path.name for path in (tmp_path / "a" / "b").iterdir()}
    assert names == {
        "memory_access.png", "additions.png", "memory.png", "macs.png", "accelerator.png"
    }  # fmt: skip
    absent = capsys.readouterr().out.splitlines()[-1]
    assert absent.startswith("not measured, so not drawn: accuracy of EMNIST, ")
    assert absent.count(" of ") == 8
    for name in names:
        assert min(matplotlib.image.imread(tmp_path / "a" / "b" / name).shape[:2]) > 400


def test_with_measurements_their_panels_are_drawn(tmp_path, csv, capsys):
    assert command.main(["--out", str(tmp_path), "--measured", str(csv)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert str(tmp_path / "accuracy.png") in lines
    assert str(tmp_path / "figure_of_merit.png") in lines
    assert lines[-1] == (
        "not measured, so not drawn: accuracy of CIFAR10-DVS, figure_of_merit of DvsGesture, "
        "figure_of_merit of CIFAR10-DVS"
    )


def test_panels_hold_what_was_measured(csv):
    measured = read(csv)
    accuracy = {panel.work.data: panel.lines for panel in figures.accuracy_panels(measured)}
    assert accuracy["DvsGesture"] == {(1, "trainable"): {10: 90}}
    assert set(accuracy) == {"EMNIST", "DvsGesture", "CIFAR10"}
    merit = {panel.work.data: panel for panel in figures.merit_panels(measured)}
    assert set(merit) == {"EMNIST", "CIFAR10"}
    assert merit["EMNIST"].title.endswith("; memory measured")
    assert merit["CIFAR10"].title.endswith("; memory by Eqs (9), (10)")
    work = WORKLOADS["EMNIST"]
    cost, base = paper_cost(work.build(2), 1, 20), paper_cost(work.base, 20, 20)
    wanted = figure_of_merit(cost, base, 0.04, 300 / 4000)
    assert merit["EMNIST"].lines[2, "trainable"][1] == pytest.approx(wanted)
    assert merit["EMNIST"].lines[4, "trainable"][20] == pytest.approx(1)
    memory = {panel.work.data: panel for panel in figures.cost_panels("memory", measured)}
    assert memory["EMNIST"].points[1, "random"] == {5: pytest.approx(5)}
    assert memory["CIFAR10"].points == {}, "plain BP at k = T was not measured"


@pytest.mark.parametrize("quantity", ["memory_access", "additions", "macs", "memory"])
def test_lines_are_relative_to_plain_bp(quantity):
    for panel in figures.cost_panels(quantity):
        line = panel.lines[panel.work.ns[0], "trainable"]
        assert line[panel.work.steps] == pytest.approx(100)
        kinds = 1 if quantity == "memory" else 2
        assert len(panel.lines) == kinds * len(panel.work.ns)
        assert all(set(line) == set(panel.work.ks) for line in panel.lines.values())


def test_macs_do_not_depend_on_what_their_picture_leaves_out():
    for panel in figures.cost_panels("macs"):
        for n in panel.work.ns:
            lines = [panel.lines[n, classifier] for classifier in ("trainable", "random")]
            assert len({round(v, 9) for line in lines for v in line.values()}) == 1
