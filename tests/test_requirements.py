"""Whatever the project imports is declared, pinned to what is installed."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"app", "aigc_ui", "pipelines", "benchmarks", "frontend", "tests"}
OF_USERS = ("app.py", "aigc_ui", "pipelines")
OF_TRAINING = {"resvg_py"}
"""Imported where pictures for training are drawn, and nowhere that the app comes."""
OF_DEVELOPERS = (*OF_USERS, "benchmarks", "frontend", "tests")


def imported(*places: str) -> set[str]:
    """Packages that the files import, at their top or inside a function; ours and Python's are left out."""
    names: set[str] = set()
    for file in (file for place in places for file in _python_files(ROOT / place)):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.split(".")[0])
    return names - OURS - set(sys.stdlib_module_names)


def _python_files(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def declared(file: str) -> dict[str, str]:
    """The version of each package in a file of requirements, and in those that it takes in."""
    pins: dict[str, str] = {}
    for line in (ROOT / file).read_text("utf-8").splitlines():
        if line.startswith("-r "):
            pins |= declared(line.removeprefix("-r ").strip())
        elif line and not line.startswith("#"):
            name, version = line.split("==")
            pins[canonical(name)] = version
    return pins


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("file", "places", "left_out"),
    [("requirements.txt", OF_USERS, OF_TRAINING), ("requirements-dev.txt", OF_DEVELOPERS, set())],
    ids=["users", "developers"],
)
def test_everything_imported_is_declared(file: str, places: tuple[str, ...], left_out: set[str]) -> None:
    packages, pins = metadata.packages_distributions(), declared(file)
    for name in sorted(imported(*places) - left_out):
        distributions = {canonical(one) for one in packages.get(name, [name])}
        assert distributions & pins.keys(), f"{name} is imported and not declared in {file}"


@pytest.mark.parametrize(("file", "name"), [("requirements-ray.txt", "ray"), ("requirements-c2pa.txt", "c2pa-python")])
def test_what_few_need_is_an_extra(file: str, name: str) -> None:
    assert set(declared(file)) == {name}
    assert name not in declared("requirements-dev.txt")


def test_what_is_declared_is_what_is_installed() -> None:
    for name, version in declared("requirements-dev.txt").items():
        assert metadata.version(name).split("+")[0] == version, name
