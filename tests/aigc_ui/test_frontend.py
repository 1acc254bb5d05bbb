"""The scripts' own checks: types written from the engine, and the tests of what is pure, which node runs."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from frontend import engine_types

FRONTEND = Path(engine_types.__file__).parent
NODE = shutil.which("node")


def test_the_types_of_the_scripts_are_those_of_the_engine():
    written = engine_types.FILE.read_text(encoding="utf-8")
    assert written == engine_types.text(), "run `python -m frontend.engine_types`"


def test_every_kind_of_hint_has_a_type_of_the_scripts():
    assert engine_types.of_hint(dict[str, float]) == "Record<string, number>"
    assert engine_types.of_hint(float | None) == "number | null"


def test_the_lock_names_every_package_by_its_digest_and_no_registry():
    lock = json.loads((FRONTEND / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert {"node_modules/typescript", "node_modules/@biomejs/biome"} <= set(packages)
    assert all(package["integrity"].startswith("sha512-") and package["dev"] for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


@pytest.mark.skipif(NODE is None, reason="no node on this machine; it is only needed to check the page's scripts")
@pytest.mark.parametrize("path", sorted((FRONTEND / "tests").glob("*.test.js")), ids=lambda path: path.stem)
def test_what_is_pure_in_the_scripts(path):
    done = subprocess.run([str(NODE), "--test", str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
