"""Table, CSV and picture from results that are known."""

import csv
import json

import matplotlib.image
import pytest

from host.study import __main__ as command
from host.study import records, report, table
from host.study.records import StudyError

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, known):
    """Results folder of two seeds: (k, n) = (10, 1) both ways, (20, 3), float twin at k = 10."""
    place = tmp_path / "results"
    place.mkdir()
    for seed, plus in ((1, 0.0), (2, 0.04)):
        for accuracy, kind in (
            (0.50, {"k": 20, "n": 3}), (0.90, {}), (0.30, {"classifier": "random"}),
            (0.94, {"model": "float"}),
        ):  # fmt: skip
            records.write(place, known(accuracy + plus, seed=seed, **kind))
    return place


def test_table_shows_means_and_seeds(folder):
    text = table.to_markdown(records.read_folders([folder]))
    assert "| k = 20 = T | 52.0 (50.0, 54.0) | – | – |" in text
    assert "| k = 10 | – | 92.0 (90.0, 94.0) | 32.0 (30.0, 34.0) |" in text
    assert "| k = 10, n = 1 | 92.0 (90.0, 94.0) | 96.0 (94.0, 98.0) | -4.0 |" in text
    assert "|  | n = 3 | n = 1 | n = 1, random classifiers |" in text
    assert "16 training recordings, 100 tested; epochs: 2, rate halved every 1." in text
    # median of 52, 92 and 96 % on 100 recordings: sqrt(0.92 * 0.08 / 100)
    assert "100 tested recordings leave at 92 %: 2.7 points" in text


def test_decay_to_zero_stands_beside_the_floor(folder, known):
    records.write(folder, known(0.97, model="to-zero"))
    text = table.to_markdown(records.read_folders([folder]))
    assert "| k = 10, n = 1 | 92.0 (90.0, 94.0) | 97.0 (97.0) | -5.0 |" in text


def test_csv_has_a_line_per_run(folder):
    rows = list(csv.DictReader(table.to_csv(records.read_folders([folder])).splitlines()))
    assert len(rows) == 8
    first = rows[0]
    assert (first["model"], first["k"], first["n"], first["seed"]) == ("golden", "20", "3", "1")
    assert (first["test_accuracy"], first["training_accuracy"]) == ("0.5", "0.25")
    assert (first["rate_shift"], first["error_fraction"]) == ("5", "16")


def test_report_gathers_folders_and_keeps_the_text_around(folder, tmp_path):
    other = tmp_path / "other machine"
    other.mkdir()
    for path in sorted(folder.glob("*random*")):
        path.rename(other / path.name)
    markdown, sheet, png = (tmp_path / "docs" / name for name in ("s.md", "s.csv", "s.png"))
    options = ["--markdown", str(markdown), "--csv", str(sheet), "--picture", str(png)]
    assert command.main(["report", str(folder), str(other), *options]) == 0
    text = markdown.read_text(encoding="utf-8")
    assert "32.0 (30.0, 34.0)" in text
    assert sheet.read_text().count("\n") == 9
    height, width = matplotlib.image.imread(png).shape[:2]
    assert min(height, width) > 500
    markdown.write_text("What it shows.\n" + text.replace("32.0", "99.9") + "More.\n", "utf-8")
    report.write([folder, other], markdown, sheet, png)
    assert markdown.read_text(encoding="utf-8") == f"What it shows.\n{text}More.\n"


def test_a_file_without_a_place_for_the_tables_is_left_alone(folder, tmp_path):
    markdown = tmp_path / "mine.md"
    markdown.write_text("mine")
    with pytest.raises(StudyError, match=r"mine.md must hold the lines .*add them"):
        report.write([folder], markdown, tmp_path / "s.csv", tmp_path / "s.png")
    assert markdown.read_text() == "mine"


def change(path, *keys, value):
    record = json.loads(path.read_text())
    inner = record
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("common", "epochs"), 3, r"epochs is 3 in .*, but 2 in .*must not be mixed"),
        (("common", "formats", "gamma"), 12, r"formats.gamma is 12 in .*, but 14"),
        (("result", "recordings"), "bad", r"recordings is bad in .*, but f00 in"),
    ],
)
def test_mixed_settings_are_refused(folder, keys, value, message):
    change(sorted(folder.glob("*.json"))[-1], *keys, value=value)
    with pytest.raises(StudyError, match=message):
        records.read_folders([folder])


def test_settings_that_came_later_have_their_defaults_in_older_results(folder):
    path = sorted(folder.glob("*.json"))[0]
    record = json.loads(path.read_text())
    for part, name in (("formats", "gamma"), ("network", "lif")):  # as if they had come later
        del record["common"][part][name]
    del record["own"]["seed"]
    path.write_text(json.dumps(record))
    assert len(records.read_folders([folder])) == 8


def test_results_of_another_version_are_refused(folder):
    change(sorted(folder.glob("*.json"))[0], "common", "version", value=0)
    with pytest.raises(StudyError, match=r"is no result of a study \(its version is 0, not 1\)"):
        records.read_folders([folder])


def test_the_same_run_twice_must_agree(folder, tmp_path, known):
    other = tmp_path / "again"
    other.mkdir()
    records.write(other, known(0.90))
    assert len(records.read_folders([folder, other])) == 8
    records.write(other, known(0.91))
    with pytest.raises(StudyError, match="are the same run with different results"):
        records.read_folders([folder, other])
    records.write(other, known(0.90))
    change(next(other.glob("*.json")), "own", "rate_shift", value=9)
    with pytest.raises(StudyError, match="rate_shift is 9 in"):
        records.read_folders([folder, other])


def test_empty_and_missing_folders_are_named(tmp_path):
    with pytest.raises(StudyError, match=r"no results in .*: run a study first"):
        records.read_folders([tmp_path])
    with pytest.raises(StudyError, match="nowhere does not exist"):
        records.read_folders([tmp_path / "nowhere"])
