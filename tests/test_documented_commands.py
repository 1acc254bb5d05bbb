"""Whatever the READMEs and the models' cards tell people to run is run as it stands there, against a real studio."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from pipelines import places
from tests.browser.conftest import Studio, running

ROOT = Path(__file__).parents[1]
FILES = ("README.md", "README.zh.md", *sorted(str(f.relative_to(ROOT)) for f in (ROOT / "assets").rglob("*.md")))
URL = "http://127.0.0.1:7860"
NOT_RUN = {
    "pip install -r requirements.txt && python app.py": "installs gigabytes; the other half is these tests' studio",
    "pip install -r requirements-dev.txt && pytest": "installs gigabytes; these tests are the other half",
    "python -m pipelines download ORG/NAME FILE": "its names stand for others, and it needs the network",
    "python -m pipelines film outputs/2026-11-23/20261123-221501-123456-9f3c.png --kind gif --shows epsilon": (
        "test_cli has its own"
    ),
    "python -m pipelines reproduce outputs/2026-11-23/20261123-221501-123456-9f3c.png": "test_cli has its own",
    "python -m pipelines evaluate text-to-image": "takes minutes; tests/pipelines/evaluation judge a few pictures",
    "python -m pipelines evaluate families": "takes minutes; tests/pipelines/evaluation judge a few samples",
    "python -m pipelines.data.drawing_cache": "draws for a minute, into runs; tests/pipelines/data draw a few",
    "python -m pipelines.evaluation.picture_judge": "trains for minutes, and writes into assets",
}
"""Commands whose effect no test can have, with the reason."""
TRAINING = (
    "-m pipelines.training.",
    "takes minutes to hours, and writes into assets; tests/pipelines/training train small ones",
)


def blocks(file: str, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def commands(file: str) -> list[str]:
    """One a line; a line that ends in a backslash goes on in the next one."""
    text = "".join(blocks(file, "bash")).replace("\\\n", " ")
    return [re.sub(r"\s+#.*", "", line).strip() for line in text.splitlines() if line.strip()]


COMMANDS = [(file, command) for file in FILES for command in commands(file)]
SNIPPETS = [(file, snippet) for file in FILES for snippet in blocks(file, "python")]


def is_run(command: str) -> bool:
    return command not in NOT_RUN and TRAINING[0] not in command


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with running(tmp_path_factory.mktemp("outputs"), "--api") as studio:
        yield studio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a person would stand: beside assets, with the pictures and the checkpoint that the commands name."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    pixels = np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "start.png")
    mask = np.zeros((96, 96), np.uint8)
    mask[32:64, 32:64] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "models").mkdir()
    weights = load_file(places.EMBEDDED / "upscaler" / "model.safetensors")
    torch.save({"state_dict": {name: weights[name] for name in list(weights)[:2]}}, tmp_path / "old.ckpt")
    return tmp_path


def run(words: list[str], folder: Path) -> str:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", "")))),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AIGC_MODELS": str(folder / "models"),
        "HF_HUB_OFFLINE": "1",
    }
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_every_command_that_is_not_run_is_still_in_a_document() -> None:
    assert NOT_RUN.keys() <= {command for _, command in COMMANDS}
    assert SNIPPETS and sum(is_run(command) for _, command in COMMANDS) >= 8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "command"), [one for one in COMMANDS if is_run(one[1]) and not one[1].startswith("curl ")]
)
def test_a_command_runs_as_it_is_written(file: str, command: str, folder: Path) -> None:
    run(shlex.split(command), folder)
    if " generate " in command:
        assert list(folder.rglob("2*.png")) or list((folder / "outputs").rglob("*.png")), "a picture was kept"


@pytest.mark.slow
@pytest.mark.parametrize(("file", "command"), [one for one in COMMANDS if one[1].startswith("curl ")])
def test_a_line_for_curl_is_answered(file: str, command: str, folder: Path, studio: Studio) -> None:
    assert URL in command
    answer = run(
        [*shlex.split(command.replace(URL, studio.url)), "--silent", "--show-error", "--fail-with-body"], folder
    )
    assert '"id"' in answer


@pytest.mark.slow
@pytest.mark.parametrize(("file", "snippet"), SNIPPETS)
def test_a_snippet_of_python_runs_as_it_is_written(
    file: str, snippet: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    if URL in snippet:
        snippet = snippet.replace(URL, request.getfixturevalue("studio").url)
    run([sys.executable, "-c", snippet], folder)
