"""``ncaltech101``: N-Caltech101, Caltech101's photographs shown to an event camera.

Orchard et al. 2015, doi 10.3389/fnins.2015.00437. The folder has the original layout,
``Caltech101/<class>/image_NNNN.bin`` (`host.datasets.atis` describes the files), with 100 classes
of objects and ``BACKGROUND_Google``: 101, since the authors left out ``Faces``, which
``Faces_easy`` shows too. Any part of the recordings will do.

Recordings differ in size, up to 240x180 pixels: each photograph was as large as fits. They are kept
as they are, from the left, in the middle 180 rows of a sensor of 240x240, so that frames are square
and nothing is cut at an edge of 48 (5x5 pixels joined). Windows are counted from time 0 of the
recording.

Nobody has published a split: recordings whose number is a multiple of 10 are for test, about a
tenth of each class, the others for training.
"""

from __future__ import annotations

from pathlib import Path

from host.datasets.atis import check_size, read_atis
from host.datasets.class_folders import list_files, split_by_number
from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError
from host.datasets.folders import find_folder
from host.datasets.frames import Events

WIDTH, HEIGHT = 240, 180
CLASS_NAMES = tuple(
    """
    BACKGROUND_Google Faces_easy Leopards Motorbikes accordion airplanes anchor ant barrel bass
    beaver binocular bonsai brain brontosaurus buddha butterfly camera cannon car_side ceiling_fan
    cellphone chair chandelier cougar_body cougar_face crab crayfish crocodile crocodile_head cup
    dalmatian dollar_bill dolphin dragonfly electric_guitar elephant emu euphonium ewer ferry
    flamingo flamingo_head garfield gerenuk gramophone grand_piano hawksbill headphone hedgehog
    helicopter ibis inline_skate joshua_tree kangaroo ketch lamp laptop llama lobster lotus
    mandolin mayfly menorah metronome minaret nautilus octopus okapi pagoda panda pigeon pizza
    platypus pyramid revolver rhino rooster saxophone schooner scissors scorpion sea_horse snoopy
    soccer_ball stapler starfish stegosaurus stop_sign strawberry sunflower tick trilobite umbrella
    watch water_lilly wheelchair wild_cat windsor_chair wrench yin_yang
    """.split()  # noqa: SIM905  # as a list it would be 101 lines
)
"""Names of the folders, in alphabetical order with capitals first."""

_MARGIN = (WIDTH - HEIGHT) // 2


def read_events(path: Path) -> Events:
    """Return the events of a file, in the middle of a square sensor."""
    # Of 8,709 recordings none was at hand: order, which frames do not need, is not insisted on.
    events = read_atis(path, WIDTH, HEIGHT, ordered=False)
    return Events(events.x, events.y + _MARGIN, events.polarity, events.t_us)


def _is_complete(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in CLASS_NAMES)


def open_ncaltech101(request: Request) -> Content:
    """Open the folder; recordings are read one by one when asked for."""
    folder = find_folder(
        "ncaltech101",
        request.data_dir,
        inner=("Caltech101", "N-Caltech101", "N-Caltech101/Caltech101", "NCALTECH101/Caltech101"),
        complete=_is_complete,
        expected="a folder for each class, such as airplanes/image_0001.bin",
    )
    files = list_files(folder, CLASS_NAMES, ".bin", check_size)
    if not len(files):
        raise DataSetError(
            f"ncaltech101: no recording in {folder}: expected <class>/image_NNNN.bin of "
            "N-Caltech101, not the photographs of Caltech101"
        )
    train, test = split_by_number("ncaltech101", folder, files)
    return Content(
        CLASS_NAMES,
        train.store(folder, request, read_events),
        test.store(folder, request, read_events),
    )


SOURCE = Source(
    name="ncaltech101",
    title="N-Caltech101, photographs of 101 classes before an event camera, .bin files",
    steps=60,
    window_us=5_000,
    size=48,
    sensor=WIDTH,
    open=open_ncaltech101,
    from_folder=True,
)
