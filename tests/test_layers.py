"""The house: a lower floor never imports a higher one, no files import each other in a circle, and the faces stay."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
MOST_LOOSE = 10
FACES = {
    "pipelines.schedules": ("BETA_SCHEDULES", "SIGMA_SCHEDULES", "DiffusionProcess"),
    "pipelines.diffusion": ("SAMPLERS",),
    "pipelines.registry": ("get",),
    "pipelines.requests": ("TextToImageRequest",),
}
"""What other people's programs import, as docs/ARCHITECTURE.md promises."""


def test_the_floors_are_kept() -> None:
    """The contracts stand in pyproject.toml."""
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    lint = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert lint.returncode == 0, lint.stdout + lint.stderr


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports for types and those inside of functions count too. Raises CycleError, which names the circle."""
    graph = grimp.build_graph("pipelines", "aigc_ui", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(imports).prepare()


def test_few_files_lie_loose() -> None:
    loose = sorted(path.name for path in (ROOT / "pipelines").glob("*.py"))
    assert len(loose) <= MOST_LOOSE, loose


@pytest.mark.parametrize("face", FACES)
def test_the_public_names_stay_where_they_are(face: str) -> None:
    """In a process of its own: a face must be whole whichever is imported first."""
    code = f"from {face} import {', '.join(FACES[face])}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
