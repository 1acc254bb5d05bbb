"""A real studio with the shipped model, and a real browser that visits it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
expect.set_options(timeout=30_000)


@dataclass(frozen=True)
class Studio:
    """A running `python app.py`: its address and the folder of its pictures."""

    url: str
    outputs: Path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped and say why; where one is required, that is a failure instead."""
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    for item in here:
        item.add_marker(pytest.mark.browser)
        if _chromium() is None and not os.environ.get("AIGC_BROWSER_REQUIRED"):
            item.add_marker(pytest.mark.skip(reason="no Chromium or Chrome on this machine; install one to run these"))


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return os.environ.get("AIGC_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """One for each file of tests: the page shows 60 pictures at first, and tests count theirs."""
    own = _own_models(tmp_path_factory.mktemp("own"))
    with running(tmp_path_factory.mktemp("outputs"), AIGC_MODELS=str(own)) as studio:
        yield studio


@contextmanager
def running(outputs: Path, *options: str, **environment: str) -> Iterator[Studio]:
    """A studio on a free port, warm, for the block's time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--outputs", str(outputs), *options]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_warm(url, process)
        yield Studio(url, outputs)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _own_models(folder: Path) -> Path:
    """What a user might have: a small model that works, one that says which few words it knows, a file that is never
    opened, a pickle that can be converted."""
    import torch

    from tests.tiny import tiny_model, with_few_words

    tiny_model(folder / "my-tiny-model")
    with_few_words(folder / "few-words")
    (folder / "stranger.ckpt").write_bytes(b"PK\x03\x04rest")
    torch.save({"state_dict": {"decoder.weight": torch.ones(2, 3)}}, folder / "pickled.ckpt")
    return folder


def _wait_until_warm(url: str, process: subprocess.Popen, seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, "the studio ended while starting"
        try:
            if httpx.get(f"{url}/healthz", timeout=5).json().get("ready"):
                return
        except (httpx.TransportError, ValueError):
            pass
        time.sleep(0.2)
    raise TimeoutError("the studio was not ready")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Gone with the module: while it lives, Playwright keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_chromium(), args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, studio: Studio) -> Iterator[Any]:
    """visit(path="/", **options of the browser's context) -> a page of a new visitor, ready to use."""
    contexts = []

    def open_page(path: str = "/", until: tuple[str, ...] = ("#generate", "#live-view"), **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}, "locale": "en-US"} | options))
        contexts.append(context)
        page = context.new_page()
        page.goto(studio.url + path)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")  # a click before it would go nowhere
        for part in until:
            expect(page.locator(part)).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(visit: Any) -> Page:
    return visit()
