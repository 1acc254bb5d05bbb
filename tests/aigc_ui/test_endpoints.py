"""What a script gets through gradio_client, over a real connection and behind the guard."""

import base64
import io
import threading

import gradio as gr
import httpx
import numpy as np
import pytest
import uvicorn
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

from aigc_ui import api, endpoints, gradio_gate, network, server
from aigc_ui.guard import Guard, Hosts
from pipelines import lab
from pipelines.params import Curve
from tests.aigc_ui.small_studio import Studio, open_studio, until


def page(studio: Studio) -> server.Page:
    with gr.Blocks(analytics_enabled=False) as blocks:
        endpoints.add(studio.services)
    blocks.queue(api_open=False)
    return gradio_gate.mounted(blocks, **server.GRADIO)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A studio with the endpoints on a free port, as app.py puts it together."""
    studio = open_studio(tmp_path_factory.mktemp("outputs"), generators=tuple(lab.TRAININGS))
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
    experiments = {"/lab_" + name.replace("-", "_") for name in lab.names()}
    assert set(told) == {"/generate", "/status", "/cancel", "/train_points", "/train_family"} | experiments
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


@pytest.mark.parametrize("name", lab.names())
def test_an_experiments_fields_are_described(client, name):
    described = client.view_api(return_format="dict")["named_endpoints"]["/lab_" + name.replace("-", "_")]
    defaults = {p["parameter_name"]: p["parameter_default"] for p in described["parameters"]}
    fields = lab.request_type(name).fields()
    assert defaults == {f.name: Curve.text(f.default) if isinstance(f.spec, Curve) else f.default for f in fields}
    assert [value["python_type"]["type"] for value in described["returns"]] == ["dict(str, Any)"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("schedule", {"beta_schedule": "drawn", "curve": "0 0.001; 1 0.02", "num_train_timesteps": 50}),
        ("orders", {}),
        ("points", {"count": 20, "num_inference_steps": 3}),
        ("noised", {"t": 200, "strip": False}),
        ("manifold", {"label": 3}),
    ],
)
def test_an_experiment_answers_what_it_answers_over_http(served, client, name, asked):
    over_http = httpx.post(f"{served[1]}/api/v1/lab/{name}", json=asked, timeout=60).json()
    assert over_http and "error" not in over_http
    assert client.predict(**asked, api_name=f"/lab_{name}") == over_http


@pytest.mark.slow
def test_an_experiment_takes_a_pictures_id(served, client):
    data = io.BytesIO()
    Image.new("RGB", (32, 32), (255, 0, 0)).save(data, "PNG")
    kept = httpx.post(f"{served[1]}/api/v1/inputs", content=data.getvalue()).json()["id"]
    answer = client.predict(image=kept, t=0, strip=False, api_name="/lab_noised")
    shown = Image.open(io.BytesIO(base64.b64decode(answer["shown"][0].partition(",")[2])))
    assert np.abs(np.asarray(shown, int) - (255, 0, 0)).max() < 15


def test_an_experiment_refuses_with_the_words_of_http(client):
    with pytest.raises(AppError, match="num_train_timesteps must be 10 to 4000; got 1."):
        client.predict(num_train_timesteps=1, api_name="/lab_schedule")
    with pytest.raises(AppError, match="this distribution has no classes"):
        client.predict(data="checkerboard", label=1, api_name="/lab_points")


def test_an_experiment_waits_for_its_turn_in_the_room_of_experiments(served, client, monkeypatch):
    studio, _ = served
    clients = []
    run = studio.services.rooms.experiments.run

    async def watched(client: str, work, bench: str = ""):
        clients.append(client)
        return await run(client, work, bench)

    monkeypatch.setattr(studio.services.rooms.experiments, "run", watched)
    client.predict(api_name="/lab_schedule")
    assert clients == ["client-ada"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["points", "family"])
def test_a_training_tells_its_losses_while_it_learns(client, name):
    events = list(client.submit(training_steps=100, width=8, seed=3, api_name=f"/train_{name}"))
    assert [event["step"] for event in events if event["event"] == "loss"][-1] == 100
    assert [event for event in events if event["event"] == "snapshot"][-1]["step"] == 100
    assert events[-1]["event"] == "state" and events[-1]["state"] == "done"


@pytest.mark.slow
def test_a_training_that_diverges_says_so(client):
    training = client.submit(learning_rate=10, training_steps=2000, api_name="/train_points")
    assert [event for event in training if event["event"] == "error"]
    with pytest.raises(AppError, match="the training diverged"):
        training.result()


@pytest.mark.slow
def test_a_training_is_stopped_by_the_id_of_its_first_event(client):
    training = client.submit(training_steps=20_000, api_name="/train_points")
    started = next(iter(training))
    client.predict(job_id=started["id"], api_name="/cancel")
    assert list(training)[-1]["state"] == "cancelled"


@pytest.fixture
def seen(served, monkeypatch) -> set[str]:
    """The clients that the queue is told of as being there."""
    clients: set[str] = set()
    monkeypatch.setattr(served[0].services.jobs, "seen", clients.add)
    return clients


@pytest.mark.parametrize("values", [{"api_name": "/generate"}, {"training_steps": 30, "api_name": "/train_points"}])
def test_who_waits_for_an_endpoint_is_there_and_keeps_its_turn(client, seen, values):
    client.predict(**values)
    assert len(seen) == 1


def test_the_routes_that_skip_the_queue_are_shut(served):
    for path in ("run/generate", "api/generate"):
        answer = httpx.post(f"{served[1]}/gradio_api/{path}", json={"data": ["", 1, 0.5, "square", ""]})
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "not_found"


def _running(client: Client) -> list[dict]:
    return [job for job in client.predict(api_name="/status")["jobs"] if job["state"] == "running"]
