"""Behind a real nginx and a real caddy, configured as the documentation says: https outside, plain HTTP inside."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.aigc_ui import certificates
from tests.aigc_ui.small_studio import until
from tests.aigc_ui.test_app import SLOW, started

NAME = certificates.NAME

NGINX = """
daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body; proxy_temp_path FOLDER/proxy; fastcgi_temp_path FOLDER/f;
  uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
  server {
    listen 127.0.0.1:OUTSIDE ssl;
    server_name studio.test;
    ssl_certificate CERT;
    ssl_certificate_key KEY;
    client_max_body_size 50m;
    location / {
      proxy_pass http://127.0.0.1:INSIDE;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_buffering off;
      proxy_read_timeout 1h;
    }
  }
}
"""

CADDY = """
{
  admin off
  auto_https disable_redirects
}
https://studio.test:OUTSIDE {
  bind 127.0.0.1
  tls CERT KEY
  reverse_proxy 127.0.0.1:INSIDE
}
"""


@pytest.fixture(scope="module")
def inside(tmp_path_factory) -> Iterator[tuple[int, str]]:
    """(port, token) of a studio on this machine that names the proxies here."""
    options = ("--port", "0", "--trusted-host", NAME, "--trusted-proxy", "127.0.0.1")
    with started(tmp_path_factory.mktemp("studio"), *options) as studio:
        address, _, token = studio.wait_for_page().partition("?token=")
        assert f"https://{NAME}/?token={token}" in studio.text()
        yield int(address.rstrip("/").rpartition(":")[2]), token


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def outside(request, inside, tmp_path_factory) -> Iterator[str]:
    """The address of the proxy and its certificate, which visitors know by name alone."""
    program = shutil.which(request.param)
    if program is None:
        pytest.skip(f"no {request.param} on this machine; install it to run this")
    folder = tmp_path_factory.mktemp(request.param)
    cert, key = certificates.make(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = {"FOLDER": folder, "OUTSIDE": port, "INSIDE": inside[0], "CERT": cert, "KEY": key}
    text = NGINX if request.param == "nginx" else CADDY
    for word, value in words.items():
        text = text.replace(word, str(value))
    config = folder / "config"
    config.write_text(text)
    command = [program, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")]
    if request.param == "caddy":
        command = [program, "run", "--adapter", "caddyfile", "--config", str(config)]
    with running(command, folder):
        until(lambda: _answers(port), 60, every=0.1)
        yield f"{port} {cert}"


@contextmanager
def running(command: list[str], folder: Path) -> Iterator[None]:
    homes = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=os.environ | homes)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def visitor(outside: str, source: str = "127.0.0.1") -> Iterator[httpx.Client]:
    """A browser that looks the name up as this machine and asks from the address `source`."""
    port, cert = outside.split(" ", 1)
    transport = httpx.HTTPTransport(verify=ssl.create_default_context(cafile=cert), local_address=source)
    headers = {"host": f"{NAME}:{port}", "accept": "text/html"}

    def named(request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = NAME

    with httpx.Client(
        base_url=f"https://127.0.0.1:{port}", transport=transport, headers=headers, timeout=SLOW,
        event_hooks={"request": [named]},
    ) as client:  # fmt: skip
        yield client


def browsing(outside: str, **more: str) -> dict[str, str]:
    """What a browser says of itself when our own page asks."""
    return {"origin": f"https://{NAME}:{outside.split()[0]}", "sec-fetch-site": "same-origin"} | more


@pytest.mark.slow
def test_the_page_opens_with_the_token_and_works_from_then_on_with_a_secure_cookie(inside, outside):
    with visitor(outside) as client:
        assert client.get("/").status_code == 401
        welcome = client.get(f"/?token={inside[1]}")
        assert welcome.status_code == 200 and "Secure" in welcome.headers["set-cookie"]
        page = client.get("/")
        assert "gradio_config" in page.text
        assert f'"root":"https://{NAME}:{outside.split()[0]}"' in page.text.replace(" ", ""), (
            "its scripts are https, too"
        )
        assert client.get("/gradio_api/info", headers=browsing(outside)).status_code == 200


@pytest.mark.slow
def test_a_job_is_submitted_and_its_events_arrive_one_by_one(inside, outside):
    with visitor(outside) as client:
        client.get(f"/?token={inside[1]}")
        body = {"request": {"prompt": "a panda", "num_inference_steps": 8, "seed": 1}}
        job = client.post("/api/v1/jobs", json=body, headers=browsing(outside))
        assert job.status_code == 201, job.text
        address = f"/api/v1/jobs/{job.json()['id']}"
        states = []
        with client.stream("GET", f"{address}/events", headers=browsing(outside)) as stream:
            pieces = stream.iter_raw()
            first = next(pieces)
            states.append(client.get(address, headers=browsing(outside)).json()["state"])
            rest = list(pieces)
        assert first.startswith((b"id:", b"event:", b"retry:", b":")) and len(rest) >= 3, "in pieces, not at the end"
        assert states[0] in ("waiting", "running"), "the first event came before the job was over"
        assert client.get(address, headers=browsing(outside)).json()["state"] == "done"
        picture = client.get(f"/api/v1/images/{client.get(address).json()['image_ids'][0]}.png")
        assert picture.content.startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_large_upload_passes(inside, outside):
    with visitor(outside) as client:
        client.get(f"/?token={inside[1]}")
        answer = client.post("/api/v1/inputs", content=b"\0" * 20_000_000, headers=browsing(outside))
        assert answer.status_code in (400, 415, 422), "read whole, and no picture"
        assert client.post("/api/v1/jobs", content=b"x" * 3_000_000, headers=browsing(outside)).status_code == 413


def test_other_sites_and_other_names_are_still_refused(inside, outside):
    with visitor(outside) as client:
        client.get(f"/?token={inside[1]}")
        for headers in (
            {"origin": "https://evil.test"},
            {"origin": f"http://{NAME}:{outside.split()[0]}"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"},
        ):
            assert client.get("/api/v1/images", headers=headers).status_code == 403
        try:
            stranger = client.get("/api/v1/images", headers={"host": "evil.test", "x-forwarded-host": NAME})
        except httpx.RemoteProtocolError:
            return  # closed by the proxy itself
        assert stranger.status_code in (403, 421) or not stranger.content, "caddy knows no such site"


def test_guessing_slows_down_the_visitor_and_not_the_proxy(inside, outside, request):
    place = 10 + 2 * ["nginx", "caddy"].index(request.node.callspec.params["outside"])
    if shutil.which("ip") is None and not Path("/proc/net").exists():
        pytest.skip("only Linux has a whole network of addresses for this machine")
    with visitor(outside, f"127.0.0.{place}") as guesser, visitor(outside, f"127.0.0.{place + 1}") as pupil:
        claimed = [{"x-forwarded-for": f"9.9.9.{i}", "forwarded": f"for=9.9.9.{i}"} for i in range(6)]
        tried = [guesser.get(f"/?token=wrong{i}", headers=claimed[i]).status_code for i in range(6)]
        assert tried[0] == 401 and tried[-1] == 429, "whatever it claims to be"
        assert pupil.get(f"/?token={inside[1]}").status_code == 200
