"""What a visitor sees of a studio that is killed, or whose disk is full: the job goes on, or a button mends it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visitor import generate, tiles

ROOT = Path(__file__).parents[2]
SECONDS = 240_000


class Mortal:
    """A studio that can be killed and started again on the same port and folder."""

    def __init__(self, outputs: Path) -> None:
        self._outputs = outputs
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "app.py", "--port", str(self._port), "--outputs", str(self._outputs), "--no-warm"]
        self._process = subprocess.Popen(command, cwd=ROOT)
        end = time.monotonic() + 180
        while time.monotonic() < end:
            try:
                if "gradio_config" in httpx.get(self.url, timeout=10).text:
                    return
            except httpx.TransportError:
                time.sleep(0.2)
        raise TimeoutError("the page was not served")

    def end(self, number: int = signal.SIGKILL) -> None:
        self._process.send_signal(number)
        self._process.wait(30)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(tmp_path)]
    if not hasattr(os, "geteuid") or os.geteuid() or not shutil.which("mount") or subprocess.run(mount).returncode:
        pytest.skip("may not mount a small file system here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[[Mortal, str], Page]]:
    contexts = []

    def open_page(studio: Mortal, locale: str = "en-US") -> Page:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale))
        page = contexts[-1].new_page()
        page.goto(studio.url)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        return page

    yield open_page
    for context in contexts:
        context.close()


def shot(page: Page, name: str) -> None:
    """A look at it, where somebody wants one."""
    if folder := os.environ.get("AIGC_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png")


def test_a_page_sees_its_job_go_on_after_a_kill(tmp_path: Path, visit) -> None:
    studio = Mortal(tmp_path)
    try:
        page = visit(studio)
        live = page.locator("#live-view")
        page.wait_for_load_state("networkidle")
        generate(page, "a panda, a long way off", steps=40, seed=5)
        expect(live).to_have_attribute("data-state", "running", timeout=SECONDS)
        studio.end()
        expect(page.locator("#live-status")).to_contain_text("Connection lost")
        studio.start()
        expect(live).to_have_attribute("data-state", "done", timeout=SECONDS)
        expect(tiles(page)).to_have_count(1)
        on_disk = httpx.get(f"{studio.url}/api/v1/images").json()["images"]
        assert [image["recipe"]["request"]["seed"] for image in on_disk] == [5]
    finally:
        studio.end()


def test_a_page_offers_to_try_again_what_was_cut_off_twice(tmp_path: Path, visit) -> None:
    studio = Mortal(tmp_path)
    try:
        page = visit(studio)
        generate(page, "a fox", steps=150, seed=6)
        expect(page.locator("#live-view")).to_have_attribute("data-state", "running", timeout=SECONDS)
        studio.end()
        [file] = tmp_path.glob("waiting-*.json")
        jobs = json.loads(file.read_text())
        jobs["running"][0]["deaths"] = 1  # as after the first
        file.write_text(json.dumps(jobs))
        studio.start()
        mend = page.locator("#message-act")
        expect(mend).to_have_text("Try again", timeout=SECONDS)
        expect(page.locator("#message-box")).to_contain_text("ended suddenly twice")
        shot(page, "interrupted")
        page.locator("#language").click()
        expect(mend).to_have_text("再试一次")
        expect(page.locator("#message-box")).to_contain_text("两次意外退出")
        shot(page, "interrupted-zh")
        mend.click()
        expect(page.locator("#live-view")).to_have_attribute("data-state", "running", timeout=SECONDS)
    finally:
        studio.end()


def test_a_page_saves_again_what_a_full_disk_refused(disk: Path, visit) -> None:
    studio = Mortal(disk / "outputs")
    try:
        page = visit(studio)
        page.wait_for_load_state("networkidle")
        generate(page, "a panda", steps=20, seed=5)
        expect(page.locator("#live-view")).to_have_attribute("data-state", "running", timeout=SECONDS)
        handle = os.open(disk / "filler", os.O_WRONLY | os.O_CREAT)
        try:
            while True:
                os.write(handle, b"x" * 4096)
        except OSError:
            os.close(handle)
        mend = page.locator("#message-act")
        expect(mend).to_have_text("Save again", timeout=SECONDS)
        page.reload()
        expect(mend).to_have_text("Save again", timeout=SECONDS)
        shot(page, "unsaved")
        page.locator("#language").click()
        expect(mend).to_have_text("重新保存")
        shot(page, "unsaved-zh")
        page.locator("#language").click()
        (disk / "filler").unlink()
        mend.click()
        expect(page.locator("#message-box")).to_contain_text("saved now", timeout=SECONDS)
        expect(tiles(page)).to_have_count(1)
    finally:
        studio.end()
