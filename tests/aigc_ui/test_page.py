"""The page as it is served: whole, from here alone, and its Generate button only asks the engine."""

import json
import re
import time
import warnings

import gradio as gr
import pytest
from fastapi.testclient import TestClient

from aigc_ui import gradio_gate, live, page, page_files
from aigc_ui.guard import Guard, Hosts
from aigc_ui.server import GRADIO
from tests.aigc_ui.small_studio import URL, SquareRequest, open_studio

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in page_files.STATIC.glob("*.js")}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    studio = open_studio(tmp_path_factory.mktemp("outputs"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = page.build(studio.services)
        app = gradio_gate.mounted(blocks, **GRADIO | page.appearance(blocks))
    with TestClient(Guard(app, Hosts()), URL, headers={"x-aigc-client": "client-ada"}) as client:
        yield studio, blocks, client
    studio.services.close()


def dependency(blocks: gr.Blocks, target: str, event: str) -> dict:
    ids = {part["props"].get("elem_id"): part["id"] for part in blocks.config["components"]}
    return next(d for d in blocks.config["dependencies"] if (ids[target], event) in map(tuple, d["targets"]))


def press(served, target: str, event: str, values: dict | None = None, data: dict | None = None) -> list:
    """What the browser does for an event: join Gradio's queue, then read its answer."""
    _, blocks, client = served
    parts = {part["id"]: part["props"] for part in blocks.config["components"]}
    called = dependency(blocks, target, event)
    given = [
        (values or {}).get(parts[id].get("label"), parts[id].get("value")) if parts[id].get("label") else None
        for id in called["inputs"]
    ]
    session = f"s{time.time_ns()}"
    body = {"data": given, "fn_index": called["id"], "session_hash": session, "event_data": data, "trigger_id": None}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 200
    text = client.get("/gradio_api/queue/data", params={"session_hash": session}).text
    messages = [json.loads(line[6:]) for line in text.split("\n") if line.startswith("data: ")]
    [done] = [message for message in messages if message["msg"] == "process_completed"]
    assert done["success"], done
    return done["output"]["data"]


def test_every_field_has_a_control(served):
    _, blocks, _ = served
    labels = json.dumps([part["props"].get("label", "") for part in blocks.config["components"]], default=str)
    assert [
        f.name for f in SquareRequest.fields() if f.name.capitalize() not in labels and f"field.{f.name}" not in labels
    ] == []


def test_generate_submits_a_job_of_this_client_and_answers_with_its_id(served):
    studio, _, _ = served
    [signal] = press(served, "generate", "click", {"Steps": 2})
    job = studio.services.jobs.get(signal["job"])
    assert (job.client, job.request.steps) == ("client-ada", 2)


def test_a_wrong_setting_is_said_by_the_page_and_starts_nothing(served):
    studio, _, _ = served
    before = len(studio.services.jobs.list())
    [signal] = press(served, "generate", "click", {"Steps": 2.5})
    assert signal["error"] == {
        "code": "bad_request",
        "message": "steps must be a whole number; got 2.5.",
        "template": "{name} must be a whole number; got {got}.",
        "values": {"name": "steps", "got": "2.5"},
    }
    assert len(studio.services.jobs.list()) == before


def test_settings_of_a_picture_come_back_into_the_controls(served):
    _, blocks, _ = served
    outputs = press(served, "bridge", "settings", data={"values": {"steps": 7, "gone": 1}, "quiet": False})
    called = dependency(blocks, "bridge", "settings")
    parts = {part["id"]: part["props"] for part in blocks.config["components"]}
    by_label = {parts[id].get("label"): value for id, value in zip(called["outputs"], outputs, strict=True)}
    assert by_label["Steps"]["value"] == 7
    assert outputs[0]["settings"] == {"refused": ["gone"], "quiet": False}


def test_a_change_of_language_reaches_buttons_and_controls(served):
    assert "生成" in json.dumps(press(served, "bridge", "language", data={"language": "zh"}), ensure_ascii=False)


@pytest.mark.parametrize("language", ["xx", ["zh"], None])
def test_a_language_that_is_not_there_is_english(served, language):
    updates = json.dumps(press(served, "bridge", "language", data={"language": language}), ensure_ascii=False)
    assert "Generate" in updates and "生成" not in updates


def test_rooms_and_benches_are_opened_by_their_names(served):
    opened = press(served, "bridge", "room", data={"room": "families", "bench": "latents"})
    assert [update.get("selected") for update in opened] == ["families", None, "latents"]
    opened = press(served, "bridge", "room", data={"room": "create", "bench": ""})
    assert [update.get("selected") for update in opened] == ["create", None, None]


def test_every_bench_has_a_tab_of_its_name(served):
    _, blocks, _ = served
    tabs = {part["props"].get("id") for part in blocks.config["components"] if part["type"] == "tabitem"}
    rooms = SCRIPTS["rooms.js"].partition("const ROOMS = {")[2].partition("};")[0]
    assert set(re.findall(r'"([\w-]+)"', rooms)) | set(re.findall(r"^  (\w+): ", rooms, re.MULTILINE)) <= tabs


def test_no_session_state_and_no_timer_hold_a_connection(served):
    _, blocks, _ = served
    assert {part["type"] for part in blocks.config["components"]} & {"state", "timer", "browserstate"} == set()


def test_the_page_asks_nobody_else():
    ours = "".join([*SCRIPTS.values(), live.css()])
    assert set(re.findall(r"https?://[^\s\"'`]+", ours)) <= {"http://www.w3.org/2000/svg"}


def test_scripts_and_their_words_are_not_in_the_page_itself(served):
    _, _, client = served
    head = client.get("/").text.partition("<body")[0]
    config = json.loads(re.findall(r"window\.gradio_config = (.*?);</script>", head, re.DOTALL)[0])
    assert len(json.dumps(config["head"])) <= 20_000
    described = re.findall(r"window\.gradio_api_info = (.*?);</script>", head, re.DOTALL)[0]
    assert len(described) <= 110_000  # the named endpoints, one row a field
    assert len(head) - len(json.dumps(config, ensure_ascii=False)) - len(described) <= 20_000  # Gradio's own
    assert "lab.draw.help" not in head  # words that only scripts show
    assert "生成" in head  # and one of a component of Gradio's


def test_the_page_is_sent_compressed_to_who_can_read_it(served):
    _, _, client = served
    with client.stream("GET", "/", headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip" and "accept-encoding" in answer.headers["vary"].lower()
        assert len(b"".join(answer.iter_raw())) <= 60_000
    plain = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and "gradio_config" in plain.text


def test_the_page_names_the_scripts_that_it_needs_at_first(served):
    _, _, client = served
    named = re.findall(r'<([^>]+)>; rel="modulepreload"', client.get("/").headers["link"])
    assert page_files.files().address("main.js") in named
    assert all(client.get(f"/{address}").status_code == 200 for address in named)
    assert not any("lab_points" in address for address in named)  # behind a tab


def test_every_place_of_the_page_is_filled_by_a_script(served):
    _, blocks, _ = served
    code = json.dumps([part["props"].get("js_on_load") for part in blocks.config["components"]])
    known = set(re.findall(r"^  \"?([\w-]+)\"?: (?:mount|\()", SCRIPTS["main.js"], re.MULTILINE))
    elsewhere = {"lines-file"}  # that generator is not here
    assert set(re.findall(r"mount\('([\w-]+)'", code)) == known - elsewhere


def test_what_handlers_call_is_exported(served):
    _, blocks, _ = served
    called = set(re.findall(r"baseURI\)\)\)\.(\w+)\(", json.dumps([d["js"] for d in blocks.config["dependencies"]])))
    exported = set(re.findall(r"\w+", " ".join(re.findall(r"^export \{([^}]*)\}", SCRIPTS["main.js"], re.MULTILINE))))
    assert called <= exported
    assert {"start", "stopJob"} <= called


def test_a_sketch_is_told_by_name_what_it_follows(served):
    _, blocks, _ = served
    assert 'sketchSoon(["prompt"], values)' in dependency(blocks, "prompt", "input")["js"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_turns_text_into_html(name):
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", SCRIPTS[name]) == []
