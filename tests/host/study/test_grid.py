"""Which runs there are, in which order, and how machines share them."""

from dataclasses import replace
from itertools import chain

import pytest

from golden.formats import Formats
from host import presets
from host.study import grid, recordings, records
from host.study.grid import SIZES, Amount, Run, runs

pytestmark = pytest.mark.unit


def test_grid_of_the_hour():
    found = runs(SIZES["hour"])
    assert len(found) == len(set(found)) == 2 * 2 * (4 * 3 + 4 + 3 + 1 + 1)
    for data, ks, ns in (
        ("nmnist", {30, 10, 5, 1}, {4, 2, 1}),
        ("gestures", {20, 10, 5, 1}, {3, 2, 1}),
    ):
        golden = [run for run in found if run.data == data and run.model == "golden"]
        trained = {(run.k, run.n) for run in golden if run.classifier == "trainable"}
        assert trained == {(k, n) for k in ks for n in ns}
        assert {(r.k, r.n) for r in golden if r.classifier == "random"} == {(k, 1) for k in ks}
        twins = {r for r in found if r.data == data and r.model == "float"}
        assert twins == {replace(run, model="float") for run in golden if run.k == 10}
        to_zero = {r for r in found if r.data == data and r.model == "to-zero"}
        assert {(r.k, r.n, r.classifier) for r in to_zero} == {(1, 1, "trainable")}


def test_long_runs_come_first():
    size = SIZES["hour"]
    work = [run.work(size.amounts[run.data]) for run in runs(size)]
    assert work == sorted(work, reverse=True)
    assert work[0] > 2 * work[-1]


def test_parts_share_all_runs():
    found = runs(SIZES["hour"])
    parts = [grid.part(found, f"{number}/3") for number in (1, 2, 3)]
    assert sorted(chain(*parts), key=found.index) == found
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("share", ["0/2", "3/2", "1/0", "1", "1/2/3", "a/b"])
def test_wrong_part_is_refused(share):
    with pytest.raises(ValueError, match=f"part must be I/N .* not '{share}'"):
        grid.part([], share)


@pytest.fixture(scope="module")
def gestures():
    return recordings.load("gestures", Amount(16, 8, 1, 0))


def test_settings_follow_one_rule_for_all_cells(gestures):
    preset = presets.PRESETS["gestures"].settings
    for run in runs(SIZES["tiny"], ["gestures"]):
        network, settings = records.network(run, gestures), records.settings(run, gestures)
        settings.check(network, Formats())
        first = records.network(replace(run, n=1), gestures)
        by_name = dict(zip([x.name for x in first.weighted], preset.layer_shifts, strict=True))
        assert settings.layer_shifts == tuple(by_name[x.name] for x in network.weighted)
        assert (network.block_length, network.classifier) == (run.n, run.classifier)
        assert settings.error_fraction == {20: 16, 10: 16, 5: 15, 1: 14}[run.k]
        assert settings.rate_shift == preset.rate_shift + {20: 0, 10: 0, 5: 1, 1: 3}[run.k]
        assert (settings.interval, settings.seed) == (run.k, run.seed)


def test_at_the_preset_s_own_k_and_n_the_settings_are_the_preset_s(gestures):
    preset = presets.PRESETS["gestures"].settings
    run = Run("gestures", "golden", 10, 1, "trainable", seed=preset.seed)
    assert records.settings(run, gestures) == preset


def test_recordings_held_out_of_training_are_tested_where_the_test_split_is_small():
    data = recordings.load("gestures", Amount(2000, 500, 1, 0))
    assert (len(data.train), len(data.test), len(data.held_out), data.tested) == (
        2000,
        400,
        100,
        500,
    )
    assert not set(data.train.names) & set(data.held_out.names)
    few = recordings.load("gestures", Amount(2400, 500, 1, 0))
    assert (len(few.train), len(few.test), len(few.held_out)) == (2400, 400, 0)
