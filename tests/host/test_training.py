"""The training loop: plan, schedule, interruption by a signal."""

import os
import signal

import pytest

from golden.network import Conv, Network
from golden.settings import Settings
from host import datasets
from host.golden_board import GoldenBoard
from host.run_folder import RunFolder, RunFolderError
from host.training import InterruptedRunError, Plan, Training, recording_order


def begun(folder, plan, board=None, **options):
    data = datasets.load("digits", size=8, windows=4, train_limit=10, test_limit=4)
    board = board or GoldenBoard()
    board.load(Network(data.shape, (Conv(2, 3),), data.classes), Settings(interval=4))
    return Training(board, data, plan, folder, say=lambda text: None, **options)


@pytest.fixture
def folder(tmp_path):
    return RunFolder.create(tmp_path / "run", "")


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("epochs", 0, ValueError),
        ("halve_every", -1, ValueError),
        ("check", -1, ValueError),
        ("update_every", 0, ValueError),
        ("seed", -1, ValueError),
        ("epochs", 1.5, TypeError),
    ],
)
def test_a_wrong_plan_names_the_field(field, value, error):
    with pytest.raises(error, match=f"{field} must be .* not {value}"):
        Plan(**{"epochs": 1, field: value})


def test_every_epoch_has_another_order_of_all_recordings():
    orders = [recording_order(50, 1, epoch).tolist() for epoch in range(3)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert orders == [recording_order(50, 1, epoch).tolist() for epoch in range(3)]


def test_the_rate_is_halved_as_planned(folder):
    begun(folder, Plan(epochs=5, halve_every=2)).run()
    halvings = [r["halvings"] for r in folder.records() if r["event"] == "epoch"]
    assert halvings == [0, 0, 1, 1, 2]


def test_accuracy_is_that_of_the_confusion_matrix(folder):
    outcome = begun(folder, Plan(epochs=2)).run()
    assert outcome.confusion.sum() == 4
    assert outcome.after == folder.records()[-1]["test_accuracy"]
    assert outcome.before == folder.records()[0]["test_accuracy"]


class Interrupted(GoldenBoard):
    """Gets Ctrl-C once or twice while it trains."""

    signals = 1

    def _submit(self, frames, label, start, learn, update):
        if learn and self.trained_intervals in range(5, 5 + self.signals):
            os.kill(os.getpid(), signal.SIGINT)
        return super()._submit(frames, label, start, learn, update)


def test_ctrl_c_ends_after_the_recording_and_saves(folder):
    handler = signal.getsignal(signal.SIGINT)
    board = Interrupted()
    with pytest.raises(InterruptedRunError):
        begun(folder, Plan(epochs=1), board).run()
    state = folder.load()
    assert state.progress.trained_intervals == state.progress.position == board.trained_intervals
    assert 5 <= state.progress.position < 10
    assert state.progress.records == len(folder.records())
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_second_ctrl_c_ends_at_once_with_the_last_save(folder):
    board = Interrupted()
    board.signals = 2
    with pytest.raises((KeyboardInterrupt, InterruptedRunError)):
        begun(folder, Plan(epochs=1), board).run()
    assert folder.load().progress.position in (0, 5, 6, 7)


def test_a_run_saves_from_time_to_time(folder, monkeypatch):
    monkeypatch.setattr("host.training.SAVE_SECONDS", 0.0)
    saved = []
    monkeypatch.setattr(folder, "save", lambda state: saved.append(state.progress.position))
    begun(folder, Plan(epochs=1)).run()
    assert sorted(set(saved)) == list(range(11))


def test_checkpoint_and_metrics_must_agree(folder):
    begun(folder, Plan(epochs=1)).run()
    folder.metrics.write_text("")
    with pytest.raises(RunFolderError, match=r"must have at least the \d+ lines"):
        folder.truncate(folder.load().progress.records)
