"""Named bit fields packed into integers, little end first: the one description both sides read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One bit field.

    Parameters
    ----------
    name : str
        Lower case, unique in its record.
    width : int
        [bits].
    doc : str
        Meaning, for the documentation table.
    signed : bool
        Two's complement when true.
    """

    name: str
    width: int
    doc: str
    signed: bool = False

    def bounds(self) -> tuple[int, int]:
        """Return the smallest and the largest value."""
        if self.signed:
            return -(1 << (self.width - 1)), (1 << (self.width - 1)) - 1
        return 0, (1 << self.width) - 1


@dataclass(frozen=True)
class Record:
    """Fields packed one after the other from bit 0 upwards.

    Raises
    ------
    ValueError
        Two fields share a name.
    """

    name: str
    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"fields of {self.name} must have different names, not {names}")

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    @property
    def width(self) -> int:
        """Width of the record [bits]."""
        return sum(field.width for field in self.fields)

    @property
    def bytes(self) -> int:
        """Bytes a record takes on the link."""
        return -(-self.width // 8)

    def pack(self, values: Mapping[str, int]) -> int:
        """Pack `values`; fields not named are 0.

        Raises
        ------
        ValueError
            A name is unknown or a value does not fit its field.
        """
        word, offset, rest = 0, 0, dict(values)
        for field in self.fields:
            value = int(rest.pop(field.name, 0))
            low, high = field.bounds()
            if not low <= value <= high:
                raise ValueError(
                    f"{self.name}.{field.name} must be between {low} and {high}, not {value}"
                )
            word |= (value & ((1 << field.width) - 1)) << offset
            offset += field.width
        if rest:
            raise ValueError(f"{self.name} has no field {sorted(rest)}")
        return word

    def unpack(self, word: int) -> dict[str, int]:
        """Return the value of every field."""
        values, offset = {}, 0
        for field in self.fields:
            value = word >> offset & ((1 << field.width) - 1)
            if field.signed and value >> (field.width - 1):
                value -= 1 << field.width
            values[field.name] = value
            offset += field.width
        return values
