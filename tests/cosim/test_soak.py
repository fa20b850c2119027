"""The long run of generated networks: what it covers, and what it says when a board differs."""

import sys
from types import ModuleType

import pytest

from golden.counters import Counters
from golden.trainer import GoldenModel
from tests.cosim import soak
from tests.cosim.boards import CONFIGS
from tests.cosim.cases import cases, generated
from tests.cosim.tally import EVENTS, OPTIONS, Tally, line, note

pytestmark = pytest.mark.unit

SEEDS = 30
"""Seeds within which every option must occur, a few minutes of a soak."""


def drawn(seed, count=soak.EXAMPLES, name="P8"):
    """Return what a seed generates."""
    found = []

    @generated(cases(CONFIGS[name]), seed, count)
    def keep(case):
        found.append(case)

    keep()
    return found


def golden(case, config):
    """Run a case in golden alone."""
    formats, counters = config.formats, Counters()
    model = GoldenModel(case.network, formats, case.settings, case.weights(formats), strict=False)
    model.momentum = case.momentum(formats)
    for sample, frames in zip(case.samples, case.frames(), strict=True):
        for run, part in zip(sample, frames, strict=True):
            model.run_interval(
                part, run.label, start=run.start, learn=run.learn, halvings=run.halvings,
                update=run.update, counters=counters,
            )  # fmt: skip
    return model, counters


def test_every_option_and_event_occurs():
    tally = Tally()
    for seed in range(SEEDS):
        name = list(CONFIGS)[seed % len(CONFIGS)]
        for case in drawn(seed, name=name):
            tally.add(line(name, case, *golden(case, CONFIGS[name])))
    assert not tally.never()
    assert tally.layers.keys() == {"conv", "pool", "dense", "classifier"}
    assert len(tally.networks) > 0.75 * SEEDS * soak.EXAMPLES
    for option in OPTIONS:
        assert tally.met[option] < tally.runs, f"{option} says nothing: every run has it"


def test_cases_of_a_seed_do_not_depend_on_loaded_sources(tmp_path):
    before = drawn(5, 60)
    source = tmp_path / "numbers_of_a_loaded_source.py"
    source.write_text(f"NUMBERS = {list(range(10**6, 10**6 + 900))}\n")
    module = ModuleType(source.stem)
    module.__file__ = str(source)
    sys.modules[source.stem] = module
    try:
        assert drawn(5, 60) == before
    finally:
        del sys.modules[source.stem]
    assert drawn(6, 30) != before


def test_tally_adds_up_what_runs_noted(tmp_path):
    path = tmp_path / "tally.jsonl"
    found = drawn(3, 4)
    for case in found:
        note(path, "P8", case, *golden(case, CONFIGS["P8"]))
    note(path, "narrow", found[0], *golden(found[0], CONFIGS["narrow"]))
    tally = Tally()
    tally.read(tmp_path / "nothing.jsonl")
    tally.read(path)
    assert (tally.runs, len(tally.cases)) == (5, 4)
    assert tally.boards == {"P8": 4, "narrow": 1}
    table = "\n".join(tally.table())
    assert "4 with their settings and recordings, in 5 runs" in table
    assert "runs per board: P8 4, narrow 1" in table
    for name in tally.never():
        assert f"{name:<38}{0:>8,}   NEVER" in table
    assert len(table.splitlines()) == 5 + len(OPTIONS) + len(EVENTS)


def fake(failing):
    """Return a runner of seeds that runs nothing; `failing` maps seeds to boards."""

    def run(seed, folder, examples):
        assert folder.is_dir()
        assert examples == 7
        return failing.get(seed, []), f"output of {seed}"

    return run


def test_seeds_follow_each_other_until_time_is_over(tmp_path, capsys):
    long = soak.Soak(40, 0.2, 3, 7)
    long.run(tmp_path, fake({}))
    assert long.done == long.next - 40 > 3
    assert not long.failures
    short = soak.Soak(40, 0, 3, 7)
    short.run(tmp_path, fake({}))
    assert (short.done, short.next) == (1, 41)  # never none at all
    assert "failures 0" in capsys.readouterr().out


def test_failure_is_told_with_its_command_and_the_others_go_on(tmp_path, capsys):
    long = soak.Soak(40, 0.2, 1, 7)
    long.run(tmp_path, fake({41: ["P4", "narrow"]}))
    assert long.done > 3
    (repeat,) = long.failures
    assert repeat.endswith(
        "'tests/cosim/test_random_networks.py::test_board_equals_golden[seed41-P4]' "
        "'tests/cosim/test_random_networks.py::test_board_equals_golden[seed41-narrow]' "
        "--seeds 41 42 --examples 7"
    )
    out = capsys.readouterr().out
    assert f"output of 41\nFAILED: seed 41 on P4, narrow; repeat with\n  {repeat}" in out


def test_run_that_does_not_pass_names_its_boards(tmp_path, monkeypatch):
    monkeypatch.setattr(soak, "TEST", "tests/cosim/no_such_test.py")
    failed, text = soak.run(3, tmp_path, 1)
    assert failed == list(CONFIGS)  # as after a crash, which names none
    assert "no_such_test.py" in text


@pytest.mark.parametrize("failing", [False, True])
def test_command_ends_with_the_range_the_table_and_a_status(failing, monkeypatch, capsys):
    monkeypatch.setattr(soak, "library", lambda name: "library")
    monkeypatch.setattr(soak, "run", lambda *_: (["P4"] if failing else [], ""))
    assert soak.main(["--minutes", "0.0001", "--jobs", "1", "--seed", "8"]) == int(failing)
    out = capsys.readouterr().out
    assert "seeds 8 to " in out
    assert "-m pytest -q tests/cosim/test_random_networks.py --seeds 8 " in out
    assert ("seeds FAILED; repeat them with" in out) == failing
    assert ("golden and gateware agree" in out) != failing


def test_ctrl_c_ends_with_the_table_too(monkeypatch, capsys):
    def stop(seed, folder, examples):
        if seed == 10:
            raise KeyboardInterrupt
        return [], ""

    monkeypatch.setattr(soak, "library", lambda name: "library")
    monkeypatch.setattr(soak, "run", stop)
    assert soak.main(["--minutes", "1", "--jobs", "1", "--seed", "8"]) == soak.STOPPED
    out = capsys.readouterr().out
    assert "seeds 8 to 10, " in out
    assert "\nstopped: without 10\n" in out
    assert "runs per board" in out


@pytest.mark.parametrize("option", [["--minutes", "0"], ["--jobs", "0"]])
def test_bad_options_are_told(option, capsys):
    with pytest.raises(SystemExit):
        soak.main(option)
    assert "--minutes and --jobs must be positive" in capsys.readouterr().err
