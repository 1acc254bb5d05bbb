"""Options of other tools: each does what it says or says what to use, and none is taken silently."""

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import app
from aigc_ui import flags
from pipelines import models, places
from pipelines.device.manager import DeviceManager
from pipelines.errors import BadRequest
from tests.aigc_ui.test_app import ROOT, started

# The list that fingers know; each of them is taken by AUTOMATIC1111, ComfyUI or Fooocus.
KNOWN = """--listen --port --share --medvram --lowvram --api --autolaunch --auto-launch --ckpt --ckpt-dir --lora-dir
--vae-dir --embeddings-dir --models-dir --output-directory --extra-model-paths-config --no-half --precision --xformers
--opt-sdp-attention --use-cpu --cpu --device-id --cuda-device --theme --nowebui --gradio-auth --skip-torch-cuda-test
--disable-safe-unpickle --api-auth --subpath --server-name --cors-allow-origins --tls-keyfile --tls-certfile --lowram
--no-half-vae --upcast-sampling --opt-sdp-no-mem-attention --opt-split-attention --gpu-only --highvram --normalvram
--novram --reserve-vram --disable-smart-memory --deterministic --preview-method --preview-size --data-dir
--base-directory --styles-file --ui-settings-file --freeze-settings --hide-ui-dir-config --gradio-auth-path""".split()


def settled(*words: str):
    given = app.arguments(list(words))
    given.answers = flags.settle(given)
    return given


def test_every_known_option_is_taken():
    ours = subprocess.run([sys.executable, "app.py", "--flags"], cwd=ROOT, capture_output=True, text=True, check=True)
    spelled = ours.stdout.replace(",", " ").split() + "--listen --port --autolaunch".split()
    assert set(KNOWN) <= set(spelled)


@pytest.mark.parametrize("flag", flags.FLAGS, ids=lambda flag: flag.words.split()[0])
def test_each_flag_does_something_or_says_something(flag: flags.Flag):
    assert bool(flag.sets) != bool(flag.answer)
    assert len(flag.answer) < 250 and not flag.answer.endswith(".")
    if flag.answer and not flag.refused:
        for word in flag.words.split():
            given = settled(word, *([] if flag.takes in ("", "[VALUE]", "[ORIGINS]") else ["x"]))
            assert given.answers == [f"{word}: {flag.answer}."]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["--medvram"], {"memory": "balanced"}),
        (["--lowvram"], {"memory": "low"}),
        (["--novram"], {"memory": "low"}),
        ([], {"memory": "auto", "full_precision": False, "api": False, "device": None, "listen": False}),
        (["--no-half"], {"full_precision": True}),
        (["--precision", "full"], {"full_precision": True}),
        (["--precision", "autocast"], {"full_precision": False}),
        (["--cpu"], {"device": "cpu"}),
        (["--use-cpu", "all"], {"device": "cpu"}),
        (["--use-cpu", "interrogate", "--api"], {"device": None, "api": True}),
        (["--device-id", "1"], {"device": "cuda:1"}),
        (["--cuda-device=0"], {"device": "cuda:0"}),
        (["--auto-launch"], {"autolaunch": True}),
        (["--nowebui"], {"nowebui": True, "api": True}),
        (["--output-directory", "there"], {"outputs": Path("there")}),
        (["--cpu", "--medvram", "--device-id", "2"], {"device": "cuda:2", "memory": "balanced"}),
    ],
)
def test_flags_set_what_they_say(words: list[str], wanted: dict):
    given = vars(settled(*words))
    assert {name: given[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("words", "host"),
    [
        ([], "127.0.0.1"),
        (["--listen"], "0.0.0.0"),
        (["--listen", "192.168.1.5"], "192.168.1.5"),
        (["--listen", "0.0.0.0,::"], "0.0.0.0"),
        (["--server-name", "10.0.0.1"], "10.0.0.1"),
        (["--share"], "127.0.0.1"),
    ],
)
def test_only_listening_opens_the_studio(words: list[str], host: str):
    assert flags.host_of(settled(*words)) == host


@pytest.mark.parametrize(
    "words",
    [
        ["--disable-safe-unpickle"],
        ["--allow-code"],
        ["--tls-keyfile", "key.pem"],
        ["--tls-keyfile", "key.pem", "--tls-certfile", "cert.pem"],
        ["--trusted-host", "*"],
        ["--trusted-proxy", "everyone"],
        ["--precision", "double"],
        ["--device-id", "x"],
        ["--ckpt-dir", "/nowhere"],
        ["--ckpt", "/nowhere/model.safetensors"],
        ["--extra-model-paths-config", "/nowhere/file.yaml"],
    ],
)
def test_what_would_be_unsafe_or_is_wrong_stops_the_start_with_a_sentence(words: list[str], capsys, tmp_path):
    assert app.main([*words, "--outputs", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("AIGC Studio cannot start: ") and len(said) < 330 and "Traceback" not in said


def test_the_variable_counts_and_the_command_line_wins():
    words = flags.words(["--device-id", "1"], {"COMMANDLINE_ARGS": '--medvram --device-id 0 --theme "dark one"'})
    given = settled(*words)
    assert (given.device, given.memory) == ("cuda:1", "balanced") and len(given.answers) == 1
    with pytest.raises(BadRequest, match="quotation"):
        flags.words([], {"COMMANDLINE_ARGS": '--theme "dark'})


def test_folders_are_searched_for_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("one/first", "two/checkpoints/second", "two/loras"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("one/first", "two/checkpoints/second"):
        (tmp_path / name / "model_index.json").write_text("{}", encoding="utf-8")
    given = settled("--ckpt", str(tmp_path / "one/first"), "--models-dir", str(tmp_path / "two"))
    monkeypatch.setenv("AIGC_MODELS", "kept")
    places.name(given.places, os.environ)
    assert {"first", "second", "aigc-mini"} <= set(models.installed())
    assert places.roots()[2] == Path("kept")
    assert given.first_model == "first" and tmp_path / "two/loras" in places.of(places.LORAS)


def test_how_much_memory_to_use_is_known_to_the_device():
    assert DeviceManager("cpu").memory == "auto" and DeviceManager("cpu", memory="low").memory == "low"
    with pytest.raises(BadRequest, match="memory must be one of auto, balanced, low; got 'tiny'"):
        DeviceManager("cpu", memory="tiny")


def test_help_stays_short_and_names_only_what_does_something():
    shown = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--medvram" in shown.stdout and "--flags" in shown.stdout and "--xformers" not in shown.stdout
    assert len(shown.stdout.splitlines()) < 50


def test_a_studio_for_programs_only_has_no_page_and_tells_how_it_was_started(tmp_path: Path):
    with started(tmp_path, "--port", "0", "--nowebui", COMMANDLINE_ARGS="--lowvram --share") as studio:
        address = studio.wait_for("nowebui")
        assert "through somebody else's server" in studio.text()
        assert httpx.get(f"{address}api/v1/stats").json()["memory"] == "low"
        assert httpx.get(f"{address}sdapi/v1/sd-models").json()[0]["model_name"] == "aigc-mini"
        assert httpx.get(f"{address}config").status_code == 404
