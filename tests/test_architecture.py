"""What may import what, and what may not stand in a file.

The arrows: boards → hw → golden, host → golden, hw and boards → host.protocol; pictures of boards
are drawn with host.plots.
"""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("golden", "hw", "host", "boards")
TOP_LEVEL = {
    *PACKAGES, "tests", "docs", "Makefile", "pyproject.toml",
    "README.md", "CHANGELOG.md", "LICENSE", ".ci", ".gitignore",
}  # fmt: skip
STDLIB = set(sys.stdlib_module_names)
ANYTHING = "*"


@dataclass(frozen=True)
class Rule:
    """Imports of the modules under `package`; the rule with the longest package counts."""

    package: str
    allowed: tuple[str, ...]
    forbidden: tuple[str, ...] = ()
    own: bool = True  # may import what lies in the same package


RULES = (
    Rule("golden", ("numpy",), forbidden=("golden.reference",)),
    Rule("golden.reference", ("numpy", "torch", "golden")),
    Rule("hw", ("amaranth", "golden", "host.protocol"), forbidden=("golden.reference",)),
    Rule("host", (ANYTHING,), forbidden=("amaranth", "amaranth_boards", "hw", "boards", "tests")),
    Rule("host.protocol", ("numpy", "golden"), forbidden=("golden.reference",)),
    Rule("boards", ("numpy", "amaranth", "amaranth_boards", "hw", "golden", "host.protocol")),
    Rule("boards.report_plot", ("golden", "boards", "host.plots")),
)


def within(name, package):
    return name == package or name.startswith(package + ".")


def rule_for(module):
    return max(
        (rule for rule in RULES if within(module, rule.package)), key=lambda r: len(r.package)
    )


def permits(rule, name):
    """Whether `rule` permits an import of `name`."""
    if any(within(name, package) for package in rule.forbidden):
        return False
    if name.split(".")[0] in STDLIB or ANYTHING in rule.allowed:
        return True
    return (rule.own and within(name, rule.package)) or any(
        within(name, package) for package in rule.allowed
    )


def imports(source, module, is_package=False):
    """(line, candidates) of every import; one permitted candidate and no forbidden one will do.

    ``from a import b`` may mean module a.b or something inside a, so both are candidates.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, (alias.name,)) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, *([base] if base else [])])
            found += [(node.lineno, (base, f"{base}.{alias.name}")) for alias in node.names]
        elif isinstance(node, ast.Call) and node.args:
            function = ast.unparse(node.func)
            first = node.args[0]
            if (
                function.split(".")[-1] in ("import_module", "__import__")
                and isinstance(first, ast.Constant)
                and isinstance(first.value, str)
            ):
                found.append((node.lineno, (first.value,)))
    return found


def violations(source, module, is_package=False, rule=None):
    """Imports of `source`, the text of `module`, that no arrow (or not `rule`) permits."""
    rule = rule or rule_for(module)
    bad = []
    for line, names in imports(source, module, is_package):
        forbidden = any(within(name, package) for name in names for package in rule.forbidden)
        if forbidden or not any(permits(rule, name) for name in names):
            bad.append(f"line {line}: {module} must not import {names[-1]}")
    return bad


def modules():
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            is_package = parts[-1] == "__init__"
            yield path, ".".join(parts[:-1] if is_package else parts), is_package


def files():
    """Files of the repository: tracked, or new and not ignored."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout: its files cannot be told from built ones")
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


# Written in two parts so that this file does not match.
MACHINE_PATH = re.compile(r"(?<![\w.~$})-])/" + r"(?:work|root|tmp|home/\w+|Users/\w+)/")


def machine_paths(text):
    return [
        f"line {number}: {line.strip()}"
        for number, line in enumerate(text.splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


def test_imports_follow_the_arrows():
    bad = [
        f"{path.relative_to(ROOT)}, {text}"
        for path, module, is_package in modules()
        for text in violations(path.read_text(encoding="utf-8"), module, is_package)
    ]
    assert not bad, "\n".join(bad)


def test_every_package_is_looked_at():
    assert {module.split(".")[0] for _, module, _ in modules()} == set(PACKAGES)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("golden.lif", "import torch"),
        ("golden.lif", "import scipy.signal"),
        ("golden.lif", "import hw"),
        ("golden.lif", "from host import protocol"),
        ("golden.lif", "from golden.reference import model"),
        ("golden.lif", "from golden import reference"),
        ("golden.lif", "from .reference import model"),
        ("golden.lif", "def f():\n    import amaranth"),
        ("golden.lif", "try:\n    import numba\nexcept ImportError:\n    pass"),
        ("golden.reference.model", "import hw.lif"),
        ("hw.lif", "import numpy"),
        ("hw.lif", "import host"),
        ("hw.lif", "import host.driver"),
        ("hw.lif", "from host import driver"),
        ("hw.lif", "from host import protocol, driver"),
        ("hw.lif", "import host.protocol_tools"),
        ("hw.lif", "import boards.arty_a7"),
        ("hw.link.uart", "from ...host import driver"),
        ("hw.lif", "from tests.hw import helpers"),
        ("host.driver", "import amaranth"),
        ("host.driver", "from amaranth.hdl import Signal"),
        ("host.driver", "import hw.accelerator"),
        ("host.driver", "from hw import accelerator"),
        ("host.driver", "import importlib\nimportlib.import_module('hw.accelerator')"),
        ("host.driver", "from boards import arty_a7"),
        ("host.driver", "import tests.helpers"),
        ("host.protocol", "import serial"),
        ("host.protocol", "from host import driver"),
        ("host.protocol", "from . import driver"),
        ("host.protocol.packets", "from .. import driver"),
        ("boards.arty_a7", "from host import driver"),
        ("boards.report", "from host import plots"),
        ("boards.report_plot", "from host import driver"),
        ("boards.arty_a7", "import tests"),
    ],
)
def test_a_wrong_import_is_found(module, source):
    assert violations(source, module)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("golden.lif", "import numpy as np\nimport math\nfrom golden import qformat"),
        ("golden.lif", "from . import qformat\nfrom .network import Network"),
        ("golden.reference.model", "import torch\nfrom golden.lif import step"),
        ("hw.lif", "from amaranth.lib import wiring\nfrom golden.formats import Formats"),
        ("hw.lif", "import host.protocol\nfrom host.protocol import Packet"),
        ("hw.lif", "from host import protocol\nfrom host.protocol.packets import Packet"),
        ("hw.link.uart", "from ..arith import saturate"),
        ("host.driver", "import serial\nimport sklearn.datasets\nfrom golden import network"),
        ("host.driver", "import hwinfo, boardsupport"),
        ("boards.arty_a7", "from hw.accelerator import Accelerator\nimport amaranth_boards"),
        ("boards.report_plot", "from boards.report import ROWS\nfrom host.plots import picture"),
    ],
)
def test_a_right_import_passes(module, source):
    assert violations(source, module) == []


def test_relative_imports_of_a_package_are_resolved():
    assert violations("from . import driver", "host.protocol", is_package=True) == []
    assert violations("from .. import driver", "host.protocol", is_package=True)


def test_package_host_itself_imports_only_the_protocol():
    """Whoever imports host.protocol runs host/__init__.py first: it must bring in nothing else."""
    source = (ROOT / "host" / "__init__.py").read_text(encoding="utf-8")
    assert violations(source, "host", is_package=True, rule=rule_for("host.protocol")) == []
    bad = "from . import driver"
    assert violations(bad, "host", is_package=True, rule=rule_for("host.protocol"))


def test_scripts_of_host_shadow_no_library():
    """``python host/train_on_board.py`` puts host/ first on the search path."""
    own = {path.stem for path in (ROOT / "host").iterdir() if path.suffix == ".py" or path.is_dir()}
    libraries = {"numpy", "sklearn", "matplotlib", "tqdm", "serial", "sliplib", "tonic", "scipy"}
    assert not own & (STDLIB | libraries | set(PACKAGES))


def test_nothing_else_lies_at_the_top_level():
    stray = {path.relative_to(ROOT).parts[0] for path in files()} - TOP_LEVEL
    assert not stray, f"{sorted(stray)}: move them, or name them in TOP_LEVEL"


def test_no_file_names_a_path_of_one_machine():
    bad = []
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or recording
        bad += [f"{path.relative_to(ROOT)}, {found}" for found in machine_paths(text)]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("folder", ["work", "root", "tmp", "home/me", "Users/me"])
@pytest.mark.parametrize("before", ["", "see ", "path='", "file://"])
def test_a_machine_path_is_found(before, folder):
    assert machine_paths(f"{before}/{folder}/main")


def test_a_path_of_the_repository_is_no_machine_path():
    assert machine_paths("build/work/x  $(HOME)/work/x  ~/work/x  http://a.b/root/c") == []
