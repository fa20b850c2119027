import re
import shutil

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.dvsgesture import CLASS_NAMES, read_labels, read_npy_events

pytestmark = pytest.mark.unit

TRIALS = ((1, 100_000, 400_000), (9, 400_000, 650_000), (11, 700_000, 900_000))
CSV = "class,startTime_usec,endTime_usec\n" + "".join(f"{c},{s},{e}\n" for c, s, e in TRIALS)


@pytest.fixture
def ibm(tmp_path, formats):
    """IBM's layout: two training files, one test file; a third training file is missing."""
    root = tmp_path / "DvsGesture"
    root.mkdir()
    for name in ("user01_led", "user02_natural", "user24_led"):
        events = formats.random_events(int(name[4:6]), 3000, 128, 1_000_000)
        packets = [formats.polarity_packet(events[i : i + 700]) for i in range(0, 3000, 700)]
        (root / f"{name}.aedat").write_bytes(formats.aedat_header + b"".join(packets))
        (root / f"{name}_labels.csv").write_text(CSV)
    train = "user01_led.aedat\nuser02_natural.aedat\nuser03_lab.aedat\n"
    (root / "trials_to_train.txt").write_text(train)
    (root / "trials_to_test.txt").write_text("user24_led.aedat\n")
    return root


@pytest.fixture
def tonic(tmp_path, formats):
    """tonic's layout: columns x, y, polarity, time in ms."""
    return formats.dvsgesture(tmp_path / "DVSGesture")


@pytest.mark.parametrize("parent", [False, True])
def test_ibm_trials(ibm, formats, parent):
    data = load("dvsgesture", data_dir=ibm.parent if parent else ibm)
    assert data.summary() == (
        "dvsgesture: 6 of 1,176 training recordings, 3 of 288 test recordings, 11 classes, "
        "60 frames of 20 ms, 32x32x2"
    )
    assert data.train.labels.tolist() == [0, 8, 10, 0, 8, 10]
    assert data.class_names == CLASS_NAMES
    assert data.train[4].name == "user02_natural.aedat trial 2"
    rows = formats.random_events(2, 3000, 128, 1_000_000)
    trial = [row for row in rows if 400_000 <= row[3] < 650_000]
    expected = formats.naive_frames(trial, 60, 20_000, 32, 4, 128, origin=trial[0][3])
    assert np.array_equal(data.train[4].frames, expected)
    assert expected.any()


def test_ibm_file_is_parsed_once_for_all_its_trials(ibm, monkeypatch):
    from host.datasets import dvsgesture

    calls = []
    real = dvsgesture.read_aedat
    monkeypatch.setattr(dvsgesture, "read_aedat", lambda *a: calls.append(a[0].name) or real(*a))
    data = load("dvsgesture", data_dir=ibm)
    for index in (5, 3, 0, 4, 1, 2):
        data.train[index]
    assert calls == ["user02_natural.aedat", "user01_led.aedat"]


def test_tonic_trials(tonic, formats):
    data = load("dvsgesture", data_dir=tonic, windows=10)
    assert data.summary() == (
        "dvsgesture: 6 of 1,077 training recordings, 3 of 264 test recordings, 11 classes, "
        "10 frames of 20 ms, 32x32x2"
    )
    sample = data.train[1]
    assert (sample.name, sample.label) == ("ibmGestureTrain/user01_led/8.npy", 8)
    rows = [(x, y, p, t * 1000) for x, y, p, t in formats.random_events([1, 8], 300, 128, 900)]
    expected = formats.naive_frames(rows, 10, 20_000, 32, 4, 128, origin=rows[0][3])
    assert np.array_equal(sample.frames, expected)


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "<u8", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_any_number_kind_and_order(tmp_path, dtype, order):
    table = np.array([[1, 2, 0, 7], [127, 3, 1, 9]], dtype=dtype)
    np.save(tmp_path / "0.npy", np.asarray(table, order=order))
    events = read_npy_events(tmp_path / "0.npy")
    assert events.x.tolist() == [1, 127]
    assert events.y.tolist() == [2, 3]
    assert events.polarity.tolist() == [0, 1]
    assert events.t_us.tolist() == [7000, 9000]


# --- bad input --------------------------------------------------------------------------------


def test_folder_of_neither_layout(tmp_path):
    message = (
        f"dvsgesture: nothing to load in {tmp_path}: expected files trials_to_train.txt and "
        "trials_to_test.txt (IBM's layout) or folders ibmGestureTrain and ibmGestureTest "
        "(tonic's), in this folder or in DVSGesture or DvsGesture inside it"
    )
    with pytest.raises(DataSetError) as caught:
        load("dvsgesture", data_dir=tmp_path)
    assert str(caught.value) == message


def test_ibm_list_without_its_files(ibm):
    (ibm / "user24_led.aedat").unlink()
    message = f"none of the files listed in {ibm / 'trials_to_test.txt'} is in {ibm}"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("dvsgesture", data_dir=ibm)


def test_ibm_file_without_labels(ibm):
    path = ibm / "user01_led_labels.csv"
    path.unlink()
    with pytest.raises(DataSetError, match=re.escape(f"{path}: cannot be read: No such file")):
        load("dvsgesture", data_dir=ibm)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,5", "line 3 must be 'class,startTime_usec,endTime_usec', not '1,5'"),
        ("one,5,6", "line 3 must be 'class,startTime_usec,endTime_usec', not 'one,5,6'"),
        ("12,5,6", "class in line 3 must be 1 ... 11, not 12"),
        ("0,5,6", "class in line 3 must be 1 ... 11, not 0"),
        ("3,6,6", "line 3 must start before it ends, not 6 ... 6"),
    ],
)
def test_labels_that_make_no_sense(tmp_path, line, message):
    path = tmp_path / "a_labels.csv"
    path.write_text(f"class,startTime_usec,endTime_usec\n\n{line}\n")
    with pytest.raises(DataSetError) as caught:
        read_labels(path)
    assert str(caught.value) == f"{path}: {message}"


def test_labels_with_windows_line_ends(tmp_path):
    path = tmp_path / "a_labels.csv"
    path.write_bytes(CSV.replace("\n", "\r\n").encode())
    assert read_labels(path) == [(c - 1, s, e) for c, s, e in TRIALS]


def test_ibm_cut_recording(ibm):
    path = ibm / "user02_natural.aedat"
    content = path.read_bytes()[:-5]
    path.write_bytes(content)
    data = load("dvsgesture", data_dir=ibm)
    data.train[0]
    with pytest.raises(DataSetError) as caught:
        data.verify()
    assert str(caught.value).startswith(f"{path}: truncated at byte {len(content)}: the packet at")


def test_ibm_trial_without_events(ibm):
    path = ibm / "user01_led_labels.csv"
    path.write_text("2,2000000,3000000\n")
    message = f"{ibm / 'user01_led.aedat'}: no event in trial 1, 2000000 ... 3000000 us, of its"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("dvsgesture", data_dir=ibm).train[0]


def test_tonic_cut_recording(tonic):
    path = tonic / "ibmGestureTest" / "user24_led" / "8.npy"
    content = path.read_bytes()[:-1]
    path.write_bytes(content)
    with pytest.raises(DataSetError) as caught:
        load("dvsgesture", data_dir=tonic).test[1]
    assert str(caught.value) == (
        f"{path}: truncated at byte {len(content)}: the array needs 9600 bytes from byte 128, "
        "9599 are left"
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (0, 128, "x of event 2 must be 0 ... 127, not 128"),
        (1, -1, "y of event 2 must be 0 ... 127, not -1"),
        (2, 2, "polarity of event 2 must be 0 ... 1, not 2"),
        (3, -7, "time of event 2 must be 0 ... 4398046511104, not -7"),
    ],
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_tonic_impossible_event_names_its_byte(tmp_path, column, value, message, order):
    table = np.ones((5, 4), dtype=np.int16)
    table[2, column] = value
    path = tmp_path / "3.npy"
    np.save(path, np.asarray(table, order=order))
    content = path.read_bytes()
    place = content.index(np.array([value], dtype=np.int16).tobytes(), 128)
    with pytest.raises(DataSetError) as caught:
        read_npy_events(path)
    assert str(caught.value) == f"{path}: corrupt at byte {place}: {message}"


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((3, 5), int), "numbers of shape (N, 4), not int64 of shape (3, 5)"),
        (np.zeros(4, int), "numbers of shape (N, 4), not int64 of shape (4,)"),
        (np.zeros((3, 4), complex), "numbers of shape (N, 4), not complex128 of shape (3, 4)"),
    ],
)
def test_tonic_other_arrays(tmp_path, array, message):
    path = tmp_path / "0.npy"
    np.save(path, array)
    expected = f"{path}: corrupt at byte 0: events must be {message}"
    with pytest.raises(DataSetError, match=re.escape(expected)):
        read_npy_events(path)


@pytest.mark.parametrize("content", [b"x", b"something else", b"\x93NUMPY\x01\x00\x10\x00garbage"])
def test_tonic_no_npy_file(tmp_path, content):
    path = tmp_path / "0.npy"
    path.write_bytes(content)
    expected = rf"{re.escape(str(path))}: corrupt at byte \d+: no npy header \("
    with pytest.raises(DataSetError, match=expected):
        read_npy_events(path)


@pytest.mark.parametrize("name", ["11", "wave"])
def test_tonic_file_of_another_name(tonic, name):
    path = tonic / "ibmGestureTrain" / "user01_led" / f"{name}.npy"
    shutil.copy(path.with_name("0.npy"), path)
    message = f"{path}: name must be a label 0 ... 10 and .npy, not '{name}.npy'"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("dvsgesture", data_dir=tonic)


def test_tonic_split_without_recordings(tonic):
    shutil.rmtree(tonic / "ibmGestureTest" / "user24_led")
    message = f"no recording in {tonic / 'ibmGestureTest'}: expected user.._.../<label>.npy"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("dvsgesture", data_dir=tonic)
