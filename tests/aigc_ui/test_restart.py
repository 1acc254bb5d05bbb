"""A studio whose graphics card is lost starts anew by itself: same process number, port and tokens, jobs kept."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.aigc_ui.small_studio import until

ROOT = Path(__file__).parents[2]
LOST_AT_FIRST = """
import os, sys
import app
compose = app.compose
def broken(*given):
    services = compose(*given)
    services.devices.main.lost = sys.argv.count("--port") == 1
    return services
app.compose = broken
app.server.leave(app.main(sys.argv[1:]))
"""
"""The fresh process is given the port once more, so it is well again."""


def started(outputs: Path, log: Path, *options: str) -> subprocess.Popen:
    words = ["--no-warm", "--nowebui", "--port", "0", "--outputs", str(outputs), *options]
    with log.open("wb") as printed:
        command = [sys.executable, "-c", LOST_AT_FIRST, *words]
        return subprocess.Popen(command, cwd=ROOT, stdout=printed, stderr=subprocess.STDOUT, env=dict(os.environ))


def status(address: str) -> str:
    try:
        return httpx.get(f"{address}/healthz", timeout=5).json()["status"]
    except httpx.TransportError:
        return "away"


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--listen", "127.0.0.1")], ids=["one person's", "shared"])
def test_a_lost_card_is_had_again_by_a_new_start_from_the_page(tmp_path: Path, options: tuple[str, ...]) -> None:
    log = tmp_path / "log.txt"
    process = started(tmp_path / "outputs", log, *options)
    try:
        until(lambda: "Press Ctrl+C" in log.read_text(), 120, every=0.1)
        text = log.read_text()
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", text)
        tokens = re.findall(r"token=([\w-]+)", text)
        owner = {"authorization": f"Bearer {tokens[-1]}"} if tokens else {}
        until(lambda: status(addresses[0]) == "device_lost", 30)
        if tokens:
            pupil = {"authorization": f"Bearer {tokens[0]}"}
            assert httpx.post(f"{addresses[0]}/api/v1/restart", headers=pupil).status_code == 403
        assert httpx.post(f"{addresses[0]}/api/v1/restart", headers=owner).status_code == 202
        until(lambda: status(addresses[0]) == "ok", 120)
        assert process.poll() is None, "the process is the same, so whatever watches it sees no end"
        answer = httpx.post(f"{addresses[0]}/api/v1/restart", headers=owner)
        assert answer.status_code == 422 and "nothing to start anew" in answer.json()["error"]["message"]
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait()
