"""The tables of docs/protocol.md, made from the data: ``python -m host.protocol.tables``.

Texts of enumeration members are read from the source, where they stand below each member.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from enum import Enum
from pathlib import Path
from types import ModuleType

from golden.core_config import CoreConfig
from host.protocol import packets, program
from host.protocol.fields import Record

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


def _text(value: str) -> str:
    """Return a docstring as one line of Markdown."""
    return re.sub(r"``?([^`]+)``?", r"`\1`", " ".join(value.split())).replace("|", "\\|")


def member_texts(kind: type[Enum]) -> dict[str, str]:
    """Return the text that stands below each member of an enumeration."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    texts, name = {}, ""
    definition = tree.body[0]
    assert isinstance(definition, ast.ClassDef)
    for node in definition.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            texts[name] = _text(str(node.value.value))
    return texts


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def enumeration(kind: type[Enum]) -> str:
    """Return the table of an enumeration."""
    texts = member_texts(kind)
    rows = [[str(int(m.value)), f"`{m.name}`", texts.get(m.name, "")] for m in kind]
    return _table(["value", "name", "meaning"], rows)


def record(value: Record) -> str:
    """Return the table of a record."""
    rows, offset = [], 0
    for field in value:
        low, high = offset, offset + field.width - 1
        bits = str(low) if low == high else f"{high}:{low}"
        kind = "signed" if field.signed else ""
        rows.append([bits, f"`{field.name}`", str(field.width), kind, _text(field.doc)])
        offset += field.width
    head = f"{value.width} bits, {value.bytes} bytes on the link.\n\n"
    return head + _table(["bits", "field", "width", "", "meaning"], rows)


def registers() -> str:
    """Return the table of registers."""
    kinds = dict.fromkeys(packets.REGISTERS, "read") | dict.fromkeys(packets.CONTROL, "read, write")
    rows = [[str(i), f"`{name}`", kinds[name]] for i, name in enumerate(packets.REGISTERS)]
    return _table(["address", "register", "access"], rows)


def spaces() -> str:
    """Return the table of address spaces with the shapes of the default configuration."""
    config = CoreConfig()
    rows = []
    for space in packets.Space:
        depth, width = packets.space_shape(space, config)
        rows.append(
            [str(int(space)), f"`{space.name}`", str(depth), str(width), str(-(-width // 8))]
        )
    return _table(["value", "space", "rows", "row [bits]", "row [bytes]"], rows)


def document() -> str:
    """Return the whole document."""
    about = inspect.cleandoc(packets.__doc__ or "")
    title, _, rest = about.partition("\n")
    rest = re.sub(r"::\n\n((?:    .*\n)+)", lambda m: ":\n\n```\n" + _outdent(m[1]) + "```\n", rest)
    parts = [
        "# Packet protocol",
        "Written by `python -m host.protocol.tables` from `host/protocol`; a test compares.",
        _text(title),
        rest.strip(),
        f"Protocol version {packets.VERSION}, magic `0x{packets.MAGIC:08x}`. SLIP bytes: END "
        f"`0x{packets.SLIP_END:02x}`, ESC `0x{packets.SLIP_ESC:02x}`, escaped END "
        f"`0x{packets.SLIP_ESC_END:02x}`, escaped ESC `0x{packets.SLIP_ESC_ESC:02x}`.",
    ]
    for heading, body in (
        ("Requests", enumeration(packets.Packet)),
        ("Status", enumeration(packets.Status)),
        ("Frame coding", enumeration(packets.Coding)),
        ("Address spaces", f"Shapes of the default configuration.\n\n{spaces()}"),
        (
            "Registers",
            f"32 bits each. {_after('STATUS', packets)} {_after('CONTROL', packets)}\n\n"
            f"Bits of `clear`: {packets.CLEAR_COUNTERS}: {_after('CLEAR_COUNTERS', packets)} "
            f"{packets.CLEAR_RUN}: {_after('CLEAR_RUN', packets)}\n\n"
            f"{_after('UART_PHASE_BITS', packets)} `uart_step` is {packets.UART_STEPS[0]} to "
            f"{packets.UART_STEPS[1]}: {_after('UART_STEPS', packets)}\n\n{registers()}",
        ),
        ("Header `access`", record(packets.ACCESS)),
        ("Header `frames`", record(packets.FRAMES)),
        ("Header `job`", record(program.JOB)),
        ("Header `wait`", record(packets.WAIT)),
        ("Header `result`", record(packets.RESULT)),
        ("Row of `LAYERS`", record(program.LAYER)),
        ("Row of `PROGRAM`", record(program.INSTRUCTION)),
        ("Operations", enumeration(program.Op)),
        ("Conditions `when`", enumeration(program.When)),
        ("Flags of LIF", enumeration(program.LifFlag)),
        ("Flags of LOSS", enumeration(program.LossFlag)),
        ("Flags of ERROR", enumeration(program.ErrorFlag)),
        ("Row of `PROFILE`", record(program.PROFILE)),
    ):
        parts += [f"## {heading}", body]
    return "\n\n".join(parts) + "\n"


def _outdent(text: str) -> str:
    return "".join(line[4:] + "\n" for line in text.splitlines())


def _after(name: str, module: ModuleType) -> str:
    """Return the text below the assignment of a constant."""
    body = ast.parse(inspect.getsource(module)).body
    for node, following in itertools.pairwise(body):
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            return _text(str(following.value.value))
    raise KeyError(name)


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
    print(f"{DOCUMENT.name}: written")
