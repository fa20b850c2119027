"""The bench of images counts planes and pixels, from small images that the test makes."""

import numpy as np

from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import Conv, Dense, Network
from golden.settings import Settings
from host.bench import images
from host.datasets.data_set import Sample

NETWORK = Network((8, 8, 1), (Conv(4, 3, 1), Dense(12)), 3, encoding="direct")


def material(pixel):
    rng = np.random.default_rng(1)
    made = []
    for number in range(6):
        image = np.where(rng.random((8, 8, 1)) < 0.5, pixel, 0).astype(np.uint8)
        made.append(Sample(np.broadcast_to(image, (4, 8, 8, 1)), number % 3, str(number)))
    return made


def measured(pixel, k=2):
    settings = Settings(interval=k, error_fraction=13, rate_shift=4)
    layout = place(NETWORK, CoreConfig(), k)
    return images.measure(k, material(pixel), 3, layout, settings)


def test_a_pixel_costs_an_operation_per_set_bit():
    one, three = measured(128), measured(0b11100000)
    assert one.planes == one.pixels > 0
    assert one.planes < three.planes <= 3 * three.pixels
    assert sum(one.phases.values()) < one.cycles  # besides the start of each job


def test_shorter_intervals_drive_more_often():
    assert measured(128, k=1).phases["FORWARD"] > 1.5 * measured(128, k=2).phases["FORWARD"]


def test_images_that_are_not_there_are_left_out(tmp_path, monkeypatch, capsys):
    from host.bench import __main__ as bench

    monkeypatch.setattr(bench.lenet1, "load", lambda data_dir: None)
    assert bench.main(["--section", "images", "--data-dir", str(tmp_path)]) == 0
    assert "left out: " in capsys.readouterr().out
