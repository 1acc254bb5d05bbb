"""Odd files among the models and beside them, and what a killed studio leaves."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import httpx
import psutil

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio
from tests.odd_files import MODELS, NOTES, SIDES, safetensors

FOLDER = tempfile.TemporaryDirectory(prefix="aigc-soak-")  # the studio's folder of models; gone when all is over
HOME = Path(FOLDER.name)
GIVEN = ("--models-dir", str(HOME))
SECRET = b"root:x:0:0:the owner's"


def _planted() -> Path:
    """A new folder below the studio's folder of models."""
    folder = Path(tempfile.mkdtemp(dir=HOME))
    (HOME / "secret").write_bytes(SECRET)
    return folder


def _listed(studio: Studio) -> str:
    try:
        studio.http.post("/api/v1/library/scan", timeout=20)
        answer = studio.http.get("/api/v1/library?limit=500", timeout=20)
    except httpx.TimeoutException:
        return "no answer in 20 s"
    if answer.status_code != 200:
        return str(answer.status_code)
    return f"200, {answer.json()['total']} models"


@attack("pipes, sockets, devices, circles of links and odd names among the models", *GIVEN)
def _models(studio: Studio) -> str:
    for plant, _ in MODELS.values():
        plant(_planted())
    return _listed(studio)


@attack("side files of every wrong type, and links to secrets as previews", *GIVEN)
def _sides(studio: Studio) -> str:
    folder = _planted()
    for count, content in enumerate(NOTES.values()):
        safetensors(folder / f"soak{count}.safetensors")
        (folder / f"soak{count}.civitai.info").write_bytes(content if isinstance(content, bytes) else content.encode())
    for count, plant in enumerate(SIDES.values(), len(NOTES)):
        safetensors(folder / f"soak{count}.safetensors")
        plant(folder / f"soak{count}.png")
    (folder / "linked.png").symlink_to(HOME / "secret")
    safetensors(folder / "linked.safetensors")
    (folder / "outside.png").symlink_to("/etc/passwd")
    safetensors(folder / "outside.safetensors")
    answer = _listed(studio)
    if not answer.startswith("200"):
        return answer
    entries = studio.http.get("/api/v1/library?limit=500").json()["entries"]
    previews = [studio.http.get(f"/api/v1/library/{entry['id']}/preview") for entry in entries]
    return f"{answer}; {sum(b'root:' in preview.content for preview in previews)} secrets served"


@attack("fifty thousand files and 2,000 models in one folder", *GIVEN)
def _many(studio: Studio) -> str:
    folder = _planted()
    for count in range(50_000):
        (folder / f"{count}.txt").touch()
    for count in range(2000):
        safetensors(folder / f"{count}.safetensors")
    return _listed(studio)


@attack("broken rows and garbage in both SQLite files", *GIVEN)
def _indexes(studio: Studio) -> str:
    words = psutil.Process(studio.process.pid).cmdline()
    outputs = Path(words[words.index("--outputs") + 1])
    _listed(studio)
    studio.wait(studio.submit(num_inference_steps=1))
    statuses = []
    for name, table, column in (("library.sqlite", "seen", "found"), ("index.sqlite", "images", "recipe")):
        with closing(sqlite3.connect(outputs / name)) as db, db:
            db.execute(f"update {table} set {column} = '['")
        statuses += [_listed(studio), str(studio.http.get("/api/v1/images").status_code)]
        (outputs / name).write_bytes(b"garbage" * 1000)
        statuses += [_listed(studio), str(studio.http.get("/api/v1/images").status_code)]
    return ", ".join(dict.fromkeys(statuses))


@attack("ten writers killed in the middle of a picture", *GIVEN)
def _killed(studio: Studio) -> str:
    code = "import os, time; os.fsync = lambda handle: time.sleep(60)\n"
    code += "import sys; from pathlib import Path; from pipelines.files import whole\n"
    code += "whole.write_whole(Path(sys.argv[1]), bytes(9))"
    with tempfile.TemporaryDirectory() as outputs:
        day = Path(outputs) / "2026-01-01"
        day.mkdir()
        writers = [subprocess.Popen([sys.executable, "-c", code, str(day / f"{n}.png")]) for n in range(10)]
        deadline = time.monotonic() + 60
        while len(list(day.glob(".*.part"))) < 10 and time.monotonic() < deadline:
            time.sleep(0.05)
        for writer in writers:
            writer.kill()
            writer.wait()
        left = len(list(day.glob(".*.part")))
        start = "import sys; from pathlib import Path; from pipelines.store.images import ImageStore\n"
        start += "ImageStore(Path(sys.argv[1]))"
        subprocess.run([sys.executable, "-c", start, outputs], check=True)
        return f"{left} parts left, {len(list(day.glob('.*.part')))} after the next start"
