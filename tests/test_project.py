"""What holds for the project as a whole: its layers, its README, its weight."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def imports_of(file: Path) -> set[str]:
    """The top-level packages that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.slow
def test_the_engine_never_imports_the_page() -> None:
    for file in (ROOT / "pipelines").rglob("*.py"):
        assert not imports_of(file) & {"gradio", "aigc_ui", "app"}, file.name


def test_torch_is_not_loaded_before_somebody_asks_for_it() -> None:
    code = "import app, sys; print([m for m in ('torch', 'diffusers', 'transformers', 'gradio') if m in sys.modules])"
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_the_readme_gives_both_commands_and_only_pictures_that_are_there(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "pip install -r requirements.txt && python app.py" in text
    assert "pip install -r requirements-dev.txt && pytest" in text
    assert not re.search(r"@[A-Z_]+@", text)
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_make_check_does_all_that_ci_does() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    checks = ci[ci.index('eval "$command"') :].split("\n")[1:]
    by_hand = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert by_hand and "export AIGC_BROWSER_REQUIRED=1" in ci
    wanted = {"AIGC_BROWSER_REQUIRED=1 pytest", *filter(None, checks)}
    assert {line.strip() for line in by_hand[1].splitlines()} == wanted


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().split("\n")
        assert all(line.startswith("-r ") or "==" in line for line in lines if line.strip())
