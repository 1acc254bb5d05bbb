"""`python app.py` as a person starts it: quick to answer, on this machine only, quick to end."""

import asyncio
import contextlib
import ipaddress
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import app
from aigc_ui import network, server
from pipelines.errors import BadRequest, Busy
from tests.aigc_ui.small_studio import until

ROOT = Path(__file__).parents[2]
SLOW = 240.0  # what a very busy machine may take to import Gradio; a quiet one takes three seconds


class Started:
    """A studio in a process of its own, and what it has printed."""

    def __init__(self, folder: Path, *options: str, **environment: str):
        self.log = folder / "log.txt"
        command = [sys.executable, "app.py", "--no-warm", "--outputs", str(folder / "outputs"), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, env=os.environ | environment
            )

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def address(self) -> str:
        until(lambda: "Press Ctrl+C" in self.text() or self.process.poll() is not None, SLOW, every=0.1)
        found = re.search(r"AIGC Studio: (http://\S+)", self.text())
        assert found, self.text()
        return found[1]

    def wait_for_page(self) -> str:
        return self.wait_for("gradio_config")

    def wait_for(self, word: str) -> str:
        """The address, once the page there has that word in it."""
        address = self.address()
        until(lambda: word in httpx.get(address, timeout=30).text, SLOW, every=0.5)
        return address

    def end(self, number: int) -> float:
        """Seconds from the signal to the end."""
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(20)
        return time.monotonic() - started


@contextlib.contextmanager
def started(folder: Path, *options: str, **environment: str) -> Iterator[Started]:
    studio = Started(folder, *options, **environment)
    try:
        yield studio
    finally:
        if studio.process.poll() is None:
            studio.process.kill()
            studio.process.wait()


@pytest.mark.slow
def test_a_start_answers_at_once_serves_the_page_without_torch_and_ends_within_three_seconds(tmp_path):
    with started(tmp_path, "--port", "0") as studio:
        address = studio.address()
        health = httpx.get(f"{address}healthz", timeout=30)
        assert health.json()["status"] == "ok" and health.json()["ready"] is False
        assert "starting" in httpx.get(address, timeout=30).text, "something is shown before Gradio is there"
        assert httpx.get(f"{address}config", timeout=30).json()["error"]["code"] == "starting"
        studio.wait_for_page()
        assert httpx.get(f"{address}api/v1/stats", timeout=30).json()["device"] is None, "torch was imported"
        with httpx.stream("GET", f"{address}gradio_api/heartbeat/abc", timeout=30):  # an open tab must not hold it up
            assert studio.end(signal.SIGTERM) < 3
        assert studio.process.returncode == 0
        assert "Traceback" not in studio.text() and "Closing" in studio.text()


def test_ctrl_c_while_the_page_is_still_being_built_ends_quickly(tmp_path):
    with started(tmp_path, "--port", "0") as studio:
        httpx.get(f"{studio.address()}healthz", timeout=30)
        assert studio.end(signal.SIGINT) < 3
        assert studio.process.returncode == 0 and "Traceback" not in studio.text()


def test_variables_of_gradio_do_not_open_the_studio_to_others(tmp_path):
    exposed = {"GRADIO_SHARE": "true", "GRADIO_SERVER_NAME": "0.0.0.0", "GRADIO_SERVER_PORT": "1", "GRADIO_DEBUG": "1"}
    with started(tmp_path, "--port", "0", **exposed) as studio:
        assert studio.address().startswith("http://127.0.0.1:")
        assert "GRADIO_SHARE" in studio.text().splitlines()[0]
        port = int(studio.address().rstrip("/").rpartition(":")[2])
        for other in network._own_addresses():
            with pytest.raises(OSError), socket.create_connection((other, port), 1):
                pass


def test_listening_always_has_a_token_of_its_own(tmp_path):
    with started(tmp_path, "--port", "0", "--listen") as studio:
        address, _, token = studio.address().partition("?token=")
        assert len(token) >= 32
        until(lambda: httpx.get(f"{address}healthz", timeout=30).status_code == 200, SLOW, every=0.2)
        assert httpx.get(f"{address}api/v1/images", timeout=30).status_code == 401
        allowed = httpx.get(f"{address}api/v1/images", headers={"authorization": f"Bearer {token}"}, timeout=30)
        assert allowed.json() == {"images": []}
        assert token not in studio.text().replace(f"?token={token}", "")
        [owners] = re.findall(r"For you alone.*token=(\S+)", studio.text())
        for known, is_owner in ((token, False), (owners, True)):
            me = httpx.get(f"{address}api/v1/me", headers={"authorization": f"Bearer {known}"}, timeout=30)
            assert me.json()["owner"] is is_owner


def test_a_taken_port_is_named_with_what_to_do_and_the_exit_code_is_2(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken, started(tmp_path, "--port", port_of(taken)) as studio:
        assert studio.process.wait(SLOW) == 2
        [line] = studio.text().splitlines()
        assert f"Port {port_of(taken)} is in use" in line and "--port" in line and len(line) < 300


def test_an_outputs_folder_that_cannot_be_made_is_told_in_one_line(tmp_path):
    (tmp_path / "outputs").write_text("a file in its place")
    with started(tmp_path, "--port", "0") as studio:
        assert studio.process.wait(SLOW) == 2
        [line] = studio.text().splitlines()
        assert str(tmp_path) not in line and line.startswith("AIGC Studio cannot start:")


def test_importing_the_app_imports_none_of_the_heavy_libraries():
    heavy = "{'torch', 'gradio', 'diffusers', 'transformers', 'accelerate', 'pandas'}"
    command = f"import sys, app; print(sorted({heavy} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_default_port_gives_way_to_the_next_free_one():
    with contextlib.ExitStack() as taken:
        try:
            taken.enter_context(socket.create_server(("127.0.0.1", network.DEFAULT_PORT)))
        except OSError:
            pass  # another studio has it, which serves as well
        with network.listen("127.0.0.1", None) as listening:
            assert network.DEFAULT_PORT < listening.getsockname()[1] < network.DEFAULT_PORT + network.TRIES


def test_a_connection_sends_at_once_what_it_has():
    async def connected() -> bool:
        at_once = asyncio.get_running_loop().create_future()

        async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            at_once.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with network.listen("127.0.0.1", 0) as listening:
            async with await asyncio.start_server(met, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                writer.close()
                return bool(await at_once)

    assert asyncio.run(connected())


def test_a_port_that_was_asked_for_is_never_exchanged():
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Busy, match="is in use"):
        network.listen("127.0.0.1", int(port_of(taken)))


def test_links_for_others_name_an_address_that_others_reach(monkeypatch):
    monkeypatch.setattr(network, "_own_addresses", lambda: ["192.168.1.5"])
    assert network.address_for_others("0.0.0.0", 7860, network.Reached()) == "http://192.168.1.5:7860/"
    named = network.Reached(frozenset({"studio.example"}), (ipaddress.ip_network("127.0.0.1"),))
    assert network.address_for_others("127.0.0.1", 7860, named) == "https://studio.example/"
    assert network.address_for_others("127.0.0.1", 7860, network.Reached()) == ""


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_refused_in_words(host):
    with pytest.raises(BadRequest, match="--host"):
        network.listen(host, 0)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])
def test_listening_beyond_this_machine_is_never_without_a_token(host, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr(app.network, "listen", lambda host, port: socket.create_server(("127.0.0.1", 0)))
    monkeypatch.setattr(app, "run", lambda services, *_rest: seen.update(shared=services.settings.shared) or 0)
    assert app.main(["--host", host, "--outputs", str(tmp_path)]) == 0
    assert seen == {"shared": True}


@pytest.mark.parametrize("port", ["-1", "65536", "http", "1" * 30, "٣"])
def test_a_port_that_is_none_is_refused(port, capsys):
    with pytest.raises(SystemExit) as stopped:
        app.arguments(["--port", port])
    assert stopped.value.code == 2 and "0 (any free port) to 65535" in capsys.readouterr().err


def test_only_gradios_harmless_variables_stay(monkeypatch):
    for name in ("GRADIO_SHARE", "GRADIO_ALLOWED_PATHS", "GRADIO_ANALYTICS_ENABLED", *server.OWN_VARIABLES):
        monkeypatch.setenv(name, "1")
    assert {"GRADIO_SHARE", "GRADIO_ALLOWED_PATHS"} <= set(server.quiet_gradio_environment())
    left = {name: value for name, value in os.environ.items() if name.startswith("GRADIO_")}
    assert left == {"GRADIO_ANALYTICS_ENABLED": "1", **server.OWN_VARIABLES}


def port_of(taken: socket.socket) -> str:
    return str(taken.getsockname()[1])
