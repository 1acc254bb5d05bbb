"""What killed processes leave goes with the next start; what lives, and what is somebody's own, stays."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest

from pipelines.files import leftovers
from pipelines.files.whole import write_whole
from pipelines.models.library.catalogue import Catalogue
from pipelines.models.library.entry import Root
from pipelines.store.images import ImageStore
from pipelines.store.inputs import InputStore
from pipelines.store.kept_latents import LatentStore

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs locks of files and signals")
DAY = "2026-01-01"
WRITING = """
import os, sys, time
from pathlib import Path
from pipelines.files import whole
os.fsync = lambda handle: (print("writing", flush=True), time.sleep(60))
Path(sys.argv[1]).parent.mkdir(exist_ok=True)
whole.write_whole(Path(sys.argv[1]), b"half")
"""
SERVING = """
import time
from aigc_ui import server
with server.temporary_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def started(code: str, *words: str, **environment: str) -> tuple[subprocess.Popen[str], str]:
    """A process in the middle of its work, and what it printed then."""
    run = [sys.executable, "-c", code, *words]
    process = subprocess.Popen(run, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def killed(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def aged(path: Path, seconds: float) -> Path:
    os.utime(path, (time.time() - seconds,) * 2, follow_symlinks=False)
    return path


@pytest.mark.parametrize("place", [DAY, ".inputs", "latents", "library"])
def test_a_write_that_was_killed_leaves_nothing_after_the_next_start_and_a_living_one_is_left_alone(
    tmp_path: Path, place: str
) -> None:
    def parts() -> list[Path]:
        for store in (ImageStore, InputStore, LatentStore):
            store(tmp_path)
        return list((tmp_path / place).glob(".*.part"))

    process, _ = started(WRITING, str(tmp_path / place / "picture.png"))
    try:
        [part] = parts()
        aged(part, 7200)  # however slow the disk is
        assert parts() == [part]
    finally:
        killed(process)
    assert parts() == []


def test_a_list_of_waiting_jobs_that_was_cut_off_goes_and_the_list_stays(tmp_path: Path) -> None:
    ImageStore(tmp_path)
    names = ("waiting-7860.json.4242.tmp", "waiting-7861.json.77-0a1b2c3d.tmp")
    for name in names:
        (tmp_path / name).touch()
        aged(tmp_path / name, 120)
    young = tmp_path / "waiting-7860.json.4243.tmp"
    own = [tmp_path / name for name in ("waiting-7860.json", "my.tmp", "waiting-list.tmp")]
    young.touch()
    for path in own:
        path.touch()
        aged(path, 10**7)
    ImageStore(tmp_path)
    assert not any((tmp_path / name).exists() for name in names)
    assert young.exists() and all(path.exists() for path in own)


def test_only_our_own_exact_names_are_deleted_and_links_are_not_followed(tmp_path: Path) -> None:
    models = tmp_path / "models"
    (models / "loras").mkdir(parents=True)
    (models / ".partial" / "org--name").mkdir(parents=True)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").write_bytes(b"mine")
    ours = [models / ".a.0123abcd.part", models / "loras/.b.99-0123abcd.part", models / ".partial/c.safetensors"]
    others = [
        models / "a.part", models / ".a.part", models / ".a.0123ABCD.part", models / ".rsync.abcdef", models / "x.tmp",
        models / "loras" / "c.safetensors", models / ".a.0123abcd.part.txt",
        models / ".partial" / "org--name" / "resumed.partial",
    ]  # fmt: skip
    for path in (*ours, *others):
        path.write_bytes(b"x")
        aged(path, 7200)
    folder, link = models / ".folder.0123abcd.part", models / ".linked.0123abcd.part"
    (folder / "unet").mkdir(parents=True)
    link.symlink_to(precious)
    (folder / "unet" / "link").symlink_to(precious)
    for path in (link, folder / "unet" / "link", folder / "unet", folder):
        aged(path, 7200)
    Catalogue([Root(models, "ours")], tmp_path / "outputs").scan()
    assert not any(os.path.lexists(path) for path in (*ours, folder, link))
    assert all(path.exists() for path in others) and (precious / "work").read_bytes() == b"mine"


def test_a_conversion_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / ".folder.0123abcd.part"
    (folder / "unet").mkdir(parents=True)
    aged(folder, 7200)
    (folder / "unet" / "weights").write_bytes(b"written just now")
    (tmp_path / ".file.0123abcd.part").write_bytes(b"written just now")
    leftovers.sweep_models([tmp_path])
    assert folder.exists() and (tmp_path / ".file.0123abcd.part").exists()


def test_a_foreign_tools_folder_of_models_is_not_swept(tmp_path: Path) -> None:
    part = tmp_path / ".a.0123abcd.part"
    part.touch()
    aged(part, 7200)
    Catalogue([Root(tmp_path, "other")], tmp_path / "outputs").scan()
    assert part.exists()


@pytest.mark.slow
def test_the_uploads_of_a_killed_server_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "work").touch()
    (tmp_path / "aigc-studio-99999-abcd_123").symlink_to(precious)
    (tmp_path / "aigc-studio-notes").mkdir()
    first, folder = started(SERVING, TMPDIR=str(tmp_path))
    (Path(folder) / "upload").write_bytes(b"a pupil's")
    second, living = started(SERVING, TMPDIR=str(tmp_path))
    assert Path(folder).exists() and stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
    assert str(first.pid) in Path(folder).name
    killed(first)
    third, newest = started(SERVING, TMPDIR=str(tmp_path))
    try:
        assert not Path(folder).exists() and Path(living).exists() and Path(newest).exists()
        assert (precious / "work").exists() and (tmp_path / "aigc-studio-notes").exists()
        assert os.path.lexists(tmp_path / "aigc-studio-99999-abcd_123")
    finally:
        killed(second)
        killed(third)


def test_the_folder_for_uploads_goes_when_the_studio_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with leftovers.uploads_folder() as folder:
        (folder / "upload").touch()
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_for_others_only_its_owner_reads(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        store = ImageStore(tmp_path)
        picture = store.path(store.save(np.zeros((8, 8, 3), np.uint8), {"request": {}}))
        latents = LatentStore(tmp_path).add(np.zeros((4, 2, 2), np.float32), {})
        write_whole(tmp_path / ".inputs" / "a.png", b"a", private=True)
        Catalogue([Root(tmp_path / "models", "ours")], tmp_path).scan()
        modes = {
            name: stat.S_IMODE((tmp_path / name).stat().st_mode)
            for name in (".inputs", ".inputs/a.png", "latents", f"latents/{latents}.safetensors", "library.sqlite")
        }
        assert set(modes.values()) == {0o700, 0o600} and modes["library.sqlite"] == modes[".inputs/a.png"] == 0o600
        assert stat.S_IMODE(picture.stat().st_mode) == 0o644 and stat.S_IMODE(picture.parent.stat().st_mode) == 0o755
    finally:
        os.umask(old)


def test_an_index_of_an_older_studio_becomes_its_owners_alone_and_folders_keep_their_modes(tmp_path: Path) -> None:
    index = tmp_path / "library.sqlite"
    index.touch(0o644)
    (tmp_path / ".inputs").mkdir(0o755)
    Catalogue([], tmp_path).scan()
    write_whole(tmp_path / ".inputs" / "a.png", b"a", private=True)
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / ".inputs").stat().st_mode) == 0o755
