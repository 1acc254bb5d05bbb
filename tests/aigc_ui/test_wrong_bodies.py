"""Bodies that are wrong in any way are the sender's mistake, in JSON's own words, and cost what they weigh."""

import base64
import json
import random
import re
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aigc_ui import bodies, sdapi_echo
from pipelines.errors import BadRequest, NotFound
from pipelines.files import bounded_json
from tests.aigc_ui import small_studio
from tests.aigc_ui.test_sdapi import V1, Studio, encoded, open_studio, post

SQUARE = encoded(np.full((64, 64, 3), 200, dtype=np.uint8))
SMALL = {"prompt": "a fox", "steps": 1, "width": 64, "height": 64, "seed": 1}
ODD: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        10**30,
        -(10**300),
        1e308,
        "",
        "0",
        "512",
        "much",
        "x" * 20_000,
        "a\x00b",
        "\ud800",
    ),
    *(
        [],
        [None],
        [[[]]],
        ["a", 1],
        {},
        {"a": None},
        {"path": "/etc/passwd"},
        SQUARE,
        SQUARE[:-40],
        "data:image/png;base64,",
    ),
    *(
        "data:,",
        "%%%",
        "http://example.org/x.png",
        "../secret",
        "/etc/passwd",
        "None",
        "aigc-mini",
        "{999$$|||}",
        "(" * 9000,
    ),
]
FIELDS = [
    *sdapi_echo.KNOWN,
    "init_images",
    "mask",
    "sd_model_checkpoint",
    "image",
    "sd_vae",
    "request",
    "model",
    "x" * 300,
]
RAW = [b"", b"null", b"[]", b'"text"', b"5", b"{", b'{"steps": NaN}', b'{"steps": Infinity}', b"\xff\xfe", b"{}" * 9]
RAW += [
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'{"steps": 1e999}',
    b'{"steps": ' + b"9" * 5000 + b"}",
    "{}".encode("utf-16"),
]
UNCOUTH = re.compile(r"None\b|NoneType|<class|Traceback|\bdict\b|\bstr\b|\bint\b|\bfloat\b|object at 0x")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = open_studio(tmp_path)
    yield studio
    studio.services.close()


def sane(answer: Any, sent: Any) -> None:
    """No fault of ours, and a sentence without Python's words."""
    assert answer.status_code < 500, (sent, answer.text[:300])
    if answer.status_code >= 400:
        message = answer.json()["error"]["message"]
        quoted = re.sub(r"'[^']*'", "", message)
        assert len(message) < 300 and not UNCOUTH.search(quoted), (sent, message)


def mutated(draw: random.Random, body: dict[str, Any]) -> dict[str, Any]:
    changed = dict(body)
    for _ in range(draw.randint(1, 3)):
        field = draw.choice([*body, *FIELDS])
        odd = draw.choice(ODD)
        changed[field] = odd if draw.random() < 0.8 else [odd, odd]
    if draw.random() < 0.3:
        changed["override_settings"] = {
            draw.choice(["sd_vae", "CLIP_stop_at_last_layers", "sd_model_checkpoint", "x"]): odd
        }
    return changed


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("verb", ["txt2img", "img2img", "options", "png-info"])
def test_no_mutation_of_a_programs_request_is_a_fault_of_ours(studio: Studio, verb: str, seed: int):
    draw, program = random.Random(f"{verb} {seed}"), studio.program()
    whole = SMALL | {"img2img": {"init_images": [SQUARE], "mask": SQUARE}, "png-info": {"image": SQUARE}}.get(verb, {})
    for _ in range(6):
        body = mutated(draw, whole)
        sane(program.post(f"{V1}/{verb}", content=json.dumps(body)), body)


@pytest.mark.slow
@pytest.mark.parametrize("raw", RAW, ids=range(len(RAW)))
def test_no_bytes_in_place_of_json_are_a_fault_of_ours(studio: Studio, raw: bytes):
    program = studio.program()
    routes = [f"{V1}/{verb}" for verb in ("img2img", "options", "png-info", "interrupt", "skip", "refresh-checkpoints")]
    ours = ("jobs", "estimate", "suited", "prompt/tokens", "prompt/words", "hub/look", "lab/film.gif")
    routes += [f"/api/v1/{rest}" for rest in ours]
    for route in routes:
        sane(program.post(route, content=raw), (route, raw[:40]))


@pytest.mark.slow
@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_no_odd_value_in_our_own_routes_is_a_fault_of_ours(tmp_path: Path, value: Any):
    studio = small_studio.open_studio(tmp_path)
    client = studio.client()
    fields = {
        "jobs": ("generator", "request"),
        "estimate": ("request",),
        "suited": ("model",),
        "prompt/tokens": ("prompt", "model", "prompt_syntax", "style"),
        "prompt/words": ("prompt", "model", "prompt_syntax"),
        "hub/look": ("repo", "file"),
        "lab/film.gif": ("pictures", "milliseconds"),
        "lab/schedules": ("num_train_timesteps", "betas", "x"),
        "lab/samplers": ("steps", "sampler"),
    }
    try:
        for route, names in fields.items():
            for name in names:
                for body in ({name: value}, {name: [value]}, {name: {"prompt": value, "seed": value}}):
                    sane(client.post(f"/api/v1/{route}", content=json.dumps(body)), (route, str(body)[:100]))
    finally:
        studio.services.close()


@pytest.mark.parametrize(
    "error, status", [(BadRequest("the mask is all black."), 422), (NotFound("no LoRA 'x'."), 404)]
)
def test_a_job_that_fails_by_the_senders_mistake_is_no_500(
    studio: Studio, monkeypatch: Any, error: Exception, status: int
):
    def fails(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(studio.painter, "paint", fails)
    answer = studio.program().post(f"{V1}/txt2img", json=SMALL)
    assert answer.status_code == status and str(error) in answer.text


def test_what_comes_back_is_a_part_of_what_a1111_knows(studio: Studio):
    scripts = {"controlnet": {"args": [{"image": SQUARE * 400}]}}
    asked = SMALL | {
        "alwayson_scripts": scripts,
        "init_images": [SQUARE],
        "mask": None,
        "cfg_scale": 3,
        "script_args": [1],
    }
    asked |= {f"unknown {i} {'x' * 300}": "y" * 1000 for i in range(5000)}
    answer = post(studio.program(), "img2img", asked)
    assert answer["parameters"] == SMALL | {"cfg_scale": 3, "script_args": [1]}
    ignored = json.loads(answer["info"])["ignored"]
    assert len(ignored) <= sdapi_echo.MOST_IGNORED + 1 and "and" in ignored["..."] and "yyy" not in answer["info"]
    assert len(answer["info"]) < 40_000


def test_more_pictures_than_anyone_sends_are_refused(studio: Studio):
    assert "at most 16" in studio.program().post(f"{V1}/img2img", json={"init_images": [SQUARE] * 17}).text


def test_an_interrupt_ends_only_the_jobs_of_who_asks_for_it(studio: Studio):
    studio.painter.go.clear()
    answers: dict[str, int] = {}

    def paint(name: str) -> None:
        program = studio.program(**{"x-aigc-client": f"program-{name}"})
        answers[name] = program.post(f"{V1}/txt2img", json=SMALL | {"seed": len(name)}).status_code

    threads = [threading.Thread(target=paint, args=(name,)) for name in ("one", "other")]
    for thread in threads:
        thread.start()
    small_studio.until(lambda: len(studio.services.jobs.list()) == 2)
    studio.program(**{"x-aigc-client": "program-one"}).post(f"{V1}/interrupt")
    studio.program(**{"x-aigc-client": "program-third"}).post(f"{V1}/interrupt")
    small_studio.until(lambda: all(job.over or job.stopping for job in studio.services.jobs.list("program-one")))
    assert not any(job.over or job.stopping for job in studio.services.jobs.list("program-other"))
    studio.painter.go.set()
    for thread in threads:
        thread.join(30)
    assert answers["other"] == 200


LARGE = 45 * 2**20
HOSTILE: dict[str, Callable[[], bytes]] = {
    "lists": lambda: b'{"a":' + b"[" * (LARGE - 6),
    "flat": lambda: b'{"a":[' + b"0," * (LARGE // 2),
    "empty lists": lambda: b'{"a":[' + b"[]," * (LARGE // 3),
    "keys": lambda: b"{" + b'"":0,' * (LARGE // 5),
    "quotes": lambda: b'"' * LARGE,
    "backslashes": lambda: b'{"a":"' + b"\\\\" * (LARGE // 2) + b'"}',
    "escaped quotes": lambda: b'{"a":"' + b'\\"' * (LARGE // 2) + b'"}',
    "one letter": lambda: '{"a":"😀'.encode() + b"a" * LARGE + b'"}',
    "one escape": lambda: b'{"a":"\\ud83d\\ude00' + b"a" * LARGE + b'"}',
    "letters": lambda: b'{"a":"' + "é".encode() * (LARGE // 2) + b'"}',
    "digits": lambda: b'{"a":' + b"9" * LARGE + b"}",
    "spaces": lambda: b" " * LARGE,
    "picture": lambda: b'{"a":"' + b"A" * LARGE + b'"}',
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", HOSTILE)
def test_forty_five_megabytes_cost_a_small_multiple_of_themselves(kind: str):
    raw = HOSTILE[kind]()
    tracemalloc.start()
    start = time.process_time()
    try:
        bounded_json.loads(raw)
        assert kind in ("picture", "backslashes", "escaped quotes")
    except BadRequest as error:
        assert len(str(error)) < 300
    finally:
        seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert seconds < 5 and peak < 150 * 2**20


def test_letters_of_all_scripts_arrive_as_they_were_sent():
    values = {"prompt": '狐狸 é 😀 \\ " \u2028', "é": ["日本"]}
    assert bounded_json.loads(json.dumps(values).encode()) == values
    written = {"prompt": '狐狸 é 😀 \\ "', "é": ["日本"]}
    assert bounded_json.loads(json.dumps(written, ensure_ascii=False).encode()) == written
    assert bounded_json.loads(b"\xef\xbb\xbf" + json.dumps(written, ensure_ascii=False).encode()) == written


@pytest.mark.parametrize("text", ["\\ud83d", "\\ude00", "\\ude00\\ud83d", "a\\uD800"])
def test_half_a_letter_is_no_json(text: str):
    for raw in (f'["{text}"]', f'{{"{text}": 1}}'):
        with pytest.raises(BadRequest, match="not valid JSON"):
            bounded_json.loads(raw.encode())
    assert bounded_json.loads(b'["\\ud83d\\ude00"]') == ["😀"]


def test_large_bodies_are_parsed_beside_the_event_loop(studio: Studio, monkeypatch: Any):
    threads: dict[bool, str] = {}
    loads = bounded_json.loads
    kept = lambda raw: (threads.update({len(raw) > bodies.SMALL: threading.current_thread().name}), loads(raw))[1]  # noqa: E731
    monkeypatch.setattr(bounded_json, "loads", kept)
    with studio.program() as program:
        program.post(f"{V1}/png-info", json={"image": "A"})
        program.post(f"{V1}/png-info", json={"image": base64.b64encode(b"a" * 2**17).decode()})
    assert threads[True] != threads[False] and threads[True].startswith("room-parsing")
