"""What a script gets through gradio_client, over a real connection and behind the guard."""

import threading

import gradio as gr
import pytest
import uvicorn
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from aigc_ui import api, endpoints, gradio_gate, network, server
from aigc_ui.guard import Guard, Hosts
from tests.aigc_ui.small_studio import Studio, open_studio, until


def page(studio: Studio) -> server.Page:
    with gr.Blocks(analytics_enabled=False) as blocks:
        endpoints.add(studio.services)
    blocks.queue(api_open=False)
    return gradio_gate.mounted(blocks, **server.GRADIO)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A studio with the endpoints on a free port, as app.py puts it together."""
    studio = open_studio(tmp_path_factory.mktemp("outputs"))
    ready = threading.Event()
    app = Guard(server.Studio(api.build(studio.services), lambda: page(studio), ready.set), Hosts())
    listening = network.listen("127.0.0.1", 0)
    running = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield studio, f"http://127.0.0.1:{listening.getsockname()[1]}"
    running.should_exit = True
    thread.join(20)
    studio.services.close()


@pytest.fixture
def client(served, tmp_path):
    client = Client(served[1], headers={"X-AIGC-Client": "client-ada"}, verbose=False, download_files=str(tmp_path))
    yield client
    client.close()


@pytest.mark.slow
def test_generate_takes_the_requests_fields_by_name_and_returns_picture_and_recipe(client):
    picture, recipe, pictures = client.predict(prompt="a panda", steps=2, api_name="/generate")
    assert Image.open(picture).size == (8, 8) and pictures == [picture]
    assert recipe["request"] == {"prompt": "a panda", "steps": 2, "strength": 0.5, "shape": "square", "image": ""}


def test_the_defaults_are_the_requests_own(client):
    _, recipe, _ = client.predict(api_name="/generate")
    assert recipe["request"] == {"prompt": "", "steps": 3, "strength": 0.5, "shape": "square", "image": ""}


def test_the_endpoints_names_types_and_defaults_are_described(client):
    told = client.view_api(return_format="dict")["named_endpoints"]
    assert set(told) == {"/generate", "/status", "/cancel"}
    fields = {p["parameter_name"]: p for p in told["/generate"]["parameters"]}
    assert list(fields) == ["prompt", "steps", "strength", "shape", "image"]
    assert fields["steps"]["parameter_default"] == 3 and fields["steps"]["python_type"]["type"] == "int"


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"steps": 5000}, {"steps": "many"}, {"shape": "hexagon"}, {"strength": None}])
def test_a_wrong_value_is_refused_with_the_same_words_as_everywhere(client, wrong):
    with pytest.raises(AppError, match=f"{next(iter(wrong))} must be"):
        client.predict(**wrong, api_name="/generate")


def test_a_failed_job_is_an_error_without_the_bugs_words(client):
    with pytest.raises(AppError) as failed:
        client.predict(prompt="fail", api_name="/generate")
    assert "/secret" not in str(failed.value) and "log" in str(failed.value)


@pytest.mark.slow
def test_status_tells_of_ones_own_jobs_and_cancel_stops_one(served, client):
    studio, _ = served
    studio.squares.go.clear()
    try:
        running = client.submit(prompt="slow", steps=50, api_name="/generate")
        until(lambda: _running(client))
        told = client.predict(job_id=_running(client)[0]["id"], api_name="/cancel")
        assert told["state"] == "cancelled"
        picture, _, _ = running.result(timeout=30)
        assert Image.open(picture).size == (8, 8), "what was done until then is kept"
    finally:
        studio.squares.go.set()
    with pytest.raises(AppError, match="not here"):
        client.predict(job_id="nothing", api_name="/status")


def test_the_routes_that_skip_the_queue_are_shut(served):
    import httpx

    for path in ("run/generate", "api/generate"):
        answer = httpx.post(f"{served[1]}/gradio_api/{path}", json={"data": ["", 1, 0.5, "square", ""]})
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


def _running(client: Client) -> list[dict]:
    return [job for job in client.predict(api_name="/status")["jobs"] if job["state"] == "running"]
