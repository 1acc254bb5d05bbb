"""The number of loops in which weights learn: one. Nobody else takes a gradient's step or makes an optimiser."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HOME = "pipelines/learning/"
BARE = {"benchmarks/learning.py", "pipelines/training/together.py"}
"""A step written down as a script would, to compare the loop with; accelerate, which brings processes together."""


def sources() -> Iterator[Path]:
    yield ROOT / "app.py"
    for folder in ("pipelines", "aigc_ui", "benchmarks"):
        yield from sorted((ROOT / folder).rglob("*.py"))


def acts(tree: ast.AST) -> list[str]:
    """What belongs to a training loop: calls of backward(), steps of optimisers, optimisers that are made."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr == "backward":
                found.append("backward")
            if node.func.attr == "step" and "optimi" in ast.unparse(node.func.value):
                found.append("step")
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.optim":
            found.append("optim")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("torch.optim", "accelerate")):
            found.append("optim")
    return found


ACTS = {path.relative_to(ROOT).as_posix(): acts(ast.parse(path.read_text(encoding="utf-8"))) for path in sources()}


def test_nobody_but_the_engine_has_a_loop() -> None:
    assert {name for name, found in ACTS.items() if found and not name.startswith(HOME)} == BARE


def test_the_engine_has_one() -> None:
    found = [act for name, acts in ACTS.items() if name.startswith(HOME) for act in acts]
    assert found.count("backward") == found.count("step") == 1


@pytest.mark.parametrize(
    "code",
    [
        "loss.backward()",
        "self._optimiser.step()",
        "torch.optim.Adam([z])",
        "from torch.optim import SGD",
        "from accelerate import Accelerator",
    ],
)
def test_such_a_line_is_found(code: str) -> None:
    assert acts(ast.parse(code)), code
