"""The protocol's data: records pack and refuse, numbers differ, the document is up to date."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from golden.core_config import CoreConfig
from host.protocol import packets, program, tables
from host.protocol.fields import Field, Record

RECORDS = [
    packets.ACCESS, packets.FRAMES, packets.WAIT, packets.RESULT,
    program.LAYER, program.INSTRUCTION, program.JOB, program.PROFILE,
]  # fmt: skip


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(data=st.data())
def test_records_round_trip(record, data):
    values = {f.name: data.draw(st.integers(*f.bounds())) for f in record}
    word = record.pack(values)
    assert 0 <= word < 1 << record.width
    assert record.unpack(word) == values


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_every_field_has_its_own_bits(record):
    seen = 0
    for field in record:
        for value in field.bounds():
            word = record.pack({field.name: value})
            assert not word & seen, f"{field.name} shares bits"
        ones = record.pack({field.name: -1 if field.signed else (1 << field.width) - 1})
        assert bin(ones).count("1") == field.width
        seen |= ones
    assert seen == (1 << record.width) - 1


def test_values_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"access\.space must be between 0 and 255, not 256"):
        packets.ACCESS.pack({"space": 256})
    with pytest.raises(ValueError, match=r"layer\.shift must be between -32 and 31, not -33"):
        program.LAYER.pack({"shift": -33})
    with pytest.raises(ValueError, match=r"access has no field \['spaces'\]"):
        packets.ACCESS.pack({"spaces": 1})
    with pytest.raises(ValueError, match="fields of twice must have different names"):
        Record("twice", (Field("a", 1, ""), Field("a", 2, "")))


def test_registers_differ_and_describe_the_whole_configuration():
    assert len(set(packets.REGISTERS)) == len(packets.REGISTERS)
    described = {n[len("config_") :] for n in packets.READ_ONLY if n.startswith("config_")}
    assert described - {"hash"} == set(CoreConfig().to_words())


@pytest.mark.parametrize("space", packets.Space, ids=lambda space: space.name)
def test_spaces_have_a_shape_and_rows_fit_a_packet(space):
    config = CoreConfig(packet_bytes=64, lanes=4, pack_max=1)
    rows, bits = packets.space_shape(space, config)
    assert rows > 0
    assert 0 < -(-bits // 8) + packets.ACCESS.bytes <= config.packet_bytes


def test_document_is_up_to_date():
    assert tables.DOCUMENT.read_text(encoding="utf-8") == tables.document(), (
        "run python -m host.protocol.tables"
    )


def test_every_member_is_explained():
    for kind in (packets.Packet, packets.Status, packets.Coding, program.Op, program.LifFlag):
        texts = tables.member_texts(kind)
        assert {member.name for member in kind} == set(texts)
