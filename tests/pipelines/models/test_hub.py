"""Downloads against a small hub of our own: resumed, hash-checked, and every refusal a sentence."""

import hashlib
import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from pipelines.confined import process
from pipelines.errors import BadFile, BadRequest, Busy, NotAllowed, NotFound, StudioError
from pipelines.models.converting import hub, taking_in
from tests.pipelines.models.test_converting import done

LORA = {f"lora_unet_down_blocks_{i}_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight": torch.randn(4, 320)
        for i in range(2)}  # fmt: skip
LORA |= {name.replace("down.weight", "up.weight"): torch.randn(320, 4) for name in list(LORA)}
TOKEN = "hf_secretsecretsecret"


class Hub(ThreadingHTTPServer):
    """The endpoints that the hub's library asks for. `fault` says what goes wrong."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.data = save(LORA | {"pad": torch.zeros(2**23)})  # the hub's library writes 10 MB at a time
        self.sha256 = hashlib.sha256(self.data).hexdigest()
        self.fault = ""
        self.ranges: list[str] = []
        self.tokens: set[str] = set()


class Answers(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, body: bool) -> None:
        self.server.tokens.add(self.headers.get("authorization", ""))
        fault = self.server.fault
        if fault == "page":
            self.send(200, b"<!DOCTYPE html><title>log in</title>", body, {"content-type": "text/html"})
        elif fault in ("401", "403"):
            self.send(int(fault), b"{}", body, {"x-error-code": "GatedRepo", "x-error-message": "gated"})
        elif fault == "404":
            self.send(404, b"{}", body, {"x-error-code": "RepoNotFound"})
        elif fault == "500":
            self.send(500, b"{}", body, {})
        elif self.path.startswith("/api/models/"):
            self.send(200, json.dumps(self.info()).encode(), body, {"content-type": "application/json"})
        else:
            self.file(body)

    def info(self) -> dict[str, Any]:
        lfs = {"size": len(self.server.data), "sha256": self.server.sha256, "pointerSize": 134}
        named = {"rfilename": "model.safetensors", "size": lfs["size"], "blobId": "0" * 40, "lfs": lfs}
        about = {"id": "org/name", "modelId": "org/name", "sha": "a" * 40, "tags": ["license:mit"], "gated": False}
        return about | {"siblings": [named, {"rfilename": "README.md", "size": 3, "blobId": "1" * 40}]}

    def file(self, body: bool) -> None:
        data = self.server.data
        told = {"etag": f'"{self.server.sha256}"', "x-linked-etag": f'"{self.server.sha256}"', "accept-ranges": "bytes"}
        told |= {"x-repo-commit": "a" * 40, "x-linked-size": str(len(data))}
        if self.server.fault == "wrong":
            data = data[:-1] + b"x"
        start, status = 0, 200
        if body and (wanted := self.headers.get("range")):
            self.server.ranges.append(wanted)
            start, status = int(wanted.removeprefix("bytes=").split("-")[0]), 206
            told["content-range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        self.send(status, data[start:], body, told)

    def send(self, status: int, data: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if body and self.server.fault == "broken" and len(data) > 10_000:
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif body:
            self.wfile.write(data)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with Hub() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{made.server_address[1]}")
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield made
        made.shutdown()


def kept(home: Path) -> list[str]:
    """What lies among the models; partial files are none of them."""
    found = (path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file())
    return sorted(name for name in found if not name.startswith(taking_in.PARTIAL))


def test_a_look_says_size_and_licence_and_fetches_nothing(server: Hub, tmp_path: Path) -> None:
    offer: Any = done(hub.look_up("org/name", "model.safetensors", tmp_path))
    assert (offer.size, offer.licence, offer.sha256) == (len(server.data), "mit", server.sha256)
    assert not kept(tmp_path)


def test_a_download_is_taken_in_where_its_kind_belongs(server: Hub, tmp_path: Path) -> None:
    done(hub.fetch("org/name", "model.safetensors", tmp_path))
    assert kept(tmp_path) == ["loras/model.safetensors"]
    made = load_file(tmp_path / "loras" / "model.safetensors")
    assert all(torch.equal(made[name], tensor) for name, tensor in LORA.items())
    assert server.tokens == {f"Bearer {TOKEN}"}


def test_without_a_token_in_the_environment_none_is_sent(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    done(hub.look_up("org/name", "model.safetensors", tmp_path))
    assert server.tokens == {""}


@pytest.mark.slow
def test_a_broken_connection_is_resumed(server: Hub, tmp_path: Path) -> None:
    server.fault = "broken"
    with pytest.raises(StudioError):
        done(hub.fetch("org/name", "model.safetensors", tmp_path))
    assert not kept(tmp_path)
    server.fault, server.ranges = "", []
    done(hub.fetch("org/name", "model.safetensors", tmp_path))
    assert kept(tmp_path) == ["loras/model.safetensors"]
    assert server.ranges and all(int(wanted[6:].split("-")[0]) > 10_000 for wanted in server.ranges)


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault, kind, words",
    [
        ("wrong", BadFile, "another SHA-256"),
        ("404", NotFound, "the hub has no org/name"),
        ("401", NotAllowed, "terms"),
        ("403", NotAllowed, "terms"),
        ("500", Busy, "could not be reached"),
        ("page", Busy, "web page"),
    ],
)
def test_a_refusal_is_a_sentence_without_the_token(
    server: Hub, tmp_path: Path, fault: str, kind: type[StudioError], words: str
) -> None:
    server.fault = fault
    with pytest.raises(kind, match=words) as told:
        done(hub.fetch("org/name", "model.safetensors", tmp_path))
    assert TOKEN not in str(told.value) and len(str(told.value)) < 300
    assert not kept(tmp_path)


def test_a_hub_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(Busy, match="could not be reached"):
        done(hub.look_up("org/name", "model.safetensors", tmp_path))


def test_a_file_that_the_repository_lacks_is_not_found(server: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="has no file other.safetensors"):
        done(hub.look_up("org/name", "other.safetensors", tmp_path))


@pytest.mark.parametrize("repo", ["name", "../../etc", "a/b/c", "a/..", "http://x/y", "a/b?c", "", "a" * 200 + "/b"])
def test_what_is_no_repository_is_refused_before_anything_is_asked(repo: str) -> None:
    with pytest.raises(BadRequest):
        hub.check(repo, "model.safetensors")


@pytest.mark.parametrize("file", ["../x.safetensors", "/x.safetensors", "x.py", "a/../x.ckpt", "", "x.safetensors\n"])
def test_what_is_no_model_file_is_refused_before_anything_is_asked(file: str) -> None:
    with pytest.raises(BadRequest):
        hub.check("org/name", file)


def test_stopping_ends_the_child(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[Any] = []
    start = process.subprocess.Popen
    monkeypatch.setattr(process.subprocess, "Popen", lambda *a, **k: children.append(start(*a, **k)) or children[-1])
    stream = hub.fetch("org/name", "model.safetensors", tmp_path)
    next(stream)
    stream.close()
    assert len(children) == 1 and children[0].poll() == -signal.SIGKILL
    assert not kept(tmp_path)
