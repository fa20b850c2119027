import numpy as np
import pytest

from host.datasets import SOURCES
from host.datasets.preview import main, paint

pytestmark = pytest.mark.unit


def test_colours_of_polarities():
    frames = np.array([[[0, 0], [1, 0], [0, 1], [1, 1]]])
    white, blue, red, violet = [1, 1, 1], [0, 0, 1], [1, 0, 0], [1, 0, 1]
    assert paint(frames)[0].tolist() == [white, blue, red, violet]


def test_writes_a_picture(tmp_path, capsys):
    path = tmp_path / "a.png"
    assert main(["digits", "--windows", "5", "--size", "10", "--output", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.startswith("digits: 1,297 training recordings")


@pytest.mark.parametrize("name", SOURCES)
def test_every_data_set_has_a_picture(tmp_path, formats, capsys, name):
    path, options = tmp_path / "a.png", ["--windows", "2"]
    if SOURCES[name].from_folder:
        options += ["--data-dir", str(getattr(formats, name)(tmp_path / name))]
    assert main([name, *options, "--output", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out.startswith(f"{name}: ")


def test_errors_are_one_line(tmp_path, capsys):
    assert main(["nmnist", "--data-dir", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: nmnist: nothing to load in")
    assert not list(tmp_path.iterdir())
