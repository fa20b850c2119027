import re
import struct

import pytest

from host.datasets import DataSetError
from host.datasets.aedat2 import parse_aedat2, read_aedat2

pytestmark = pytest.mark.unit

HEADER = b"#!AER-DAT2.0\r\n# This is a raw AE data file - do not edit\r\n"


def test_an_address_is_read_bit_by_bit():
    content = HEADER + struct.pack(">IIII", 5 << 8 | 3 << 1 | 1, 7, 0x7F00 | 0xFE, 0xFFFFFFFF)
    events = parse_aedat2(content, "f")
    assert events.x.tolist() == [127 - 3, 0]
    assert events.y.tolist() == [127 - 5, 0]
    assert events.polarity.tolist() == [0, 1]
    assert events.t_us.tolist() == [7, 2**32 - 1]


def test_a_header_alone_has_no_events():
    assert len(parse_aedat2(HEADER, "f")) == 0


@pytest.mark.parametrize("mark", [1 << 15, 1 << 31])
def test_events_of_no_pixel_are_skipped(mark):
    content = HEADER + struct.pack(">IIII", mark | 6, 1, 6, 2)
    assert parse_aedat2(content, "f").t_us.tolist() == [2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"#!AER-DAT3.1\r\n", "corrupt at byte 0: an AEDAT 2 file starts with '#!AER-DAT2', "
         "not b'#!AER-DAT3'"),
        (b"PK", "corrupt at byte 0: an AEDAT 2 file starts with '#!AER-DAT2', not b'PK'"),
        (b"#!AER-DAT2.0", "truncated at byte 12: the header line at byte 0 does not end"),
        (HEADER + b"# x", f"truncated at byte {len(HEADER) + 3}: the header line at byte "
         f"{len(HEADER)} does not end"),
        (HEADER + bytes(19), f"truncated at byte {len(HEADER) + 16}: 3 bytes are left of an event "
         f"of 8 (the file has {len(HEADER) + 19})"),
        (HEADER + bytes(8) + b"\x00\x01" + bytes(6), f"corrupt at byte {len(HEADER) + 8}: bits 16 "
         "to 30 of an address of DVS128 must be 0, not 0x00010000"),
    ],
)  # fmt: skip
def test_what_is_no_such_file(content, message):
    with pytest.raises(DataSetError) as caught:
        parse_aedat2(content, "f")
    assert str(caught.value) == f"f: {message}"


def test_a_file_is_named(tmp_path):
    with pytest.raises(DataSetError, match=re.escape(f"{tmp_path / 'a'}: cannot be read")):
        read_aedat2(tmp_path / "a")
