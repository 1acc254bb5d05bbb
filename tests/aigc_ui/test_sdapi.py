"""Programs written for AUTOMATIC1111 talk to the studio: whole conversations over HTTP, with the names they use."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from PIL import Image
from safetensors.torch import save_file

from aigc_ui import api
from aigc_ui.door import Door
from aigc_ui.guard import Guard, Hosts, Limits
from aigc_ui.sdapi import Chosen
from aigc_ui.sdapi_jobs import JobFailed
from aigc_ui.services import Library, Services, Settings
from aigc_ui.visitors import Visitor
from pipelines.device.lanes import Lanes
from pipelines.device.manager import DeviceManager
from pipelines.engine.queue import JobError, JobQueue
from pipelines.engine.shares import Places
from pipelines.errors import Sentence
from pipelines.events import Event, Frame, Result, StopEarly
from pipelines.params import Request
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import infotext, recipe
from pipelines.store.images import ImageStore
from pipelines.store.inputs import InputStore
from tests.aigc_ui.small_studio import URL, until
from tests.embedded import SIDE
from tests.pipelines.store.test_foreign import FOX, INFOTEXT, png

V1 = "/sdapi/v1"


@dataclass
class Painter:
    """Takes what the real generator takes; a picture is grey as its seed, or the start where the mask keeps it."""

    name: str = "text-to-image"
    request_type: type[Request] = TextToImageRequest
    go: threading.Event = field(default_factory=threading.Event)
    ends: threading.Event = field(default_factory=threading.Event)
    """Set where a job that is stopped may end."""
    requests: list[TextToImageRequest] = field(default_factory=list)

    def stream(self, request: TextToImageRequest, devices: DeviceManager) -> Iterator[Event]:
        self.requests.append(request)
        pictures = np.stack([self.paint(request, i) for i in range(request.count)])
        recipes = tuple(
            recipe.new(self.name, request.of_picture(i).values(), model_hash="6ce0161689") for i in range(request.count)
        )
        step = 0
        try:
            if request.prompt == "fail":
                raise MemoryError("out of memory")
            for step in range(1, request.num_inference_steps + 1):
                yield Frame(step, request.num_inference_steps, 1.0, pictures, pictures)
                while step == 1 and not self.go.wait(0.01):
                    yield Frame(step, request.num_inference_steps, 1.0, pictures, pictures)
            yield Result(pictures, recipes)
        except StopEarly:
            self.ends.wait(30)
            yield Result(pictures, recipes, unfinished=True, steps_done=step)

    def paint(self, request: TextToImageRequest, index: int) -> np.ndarray:
        new = np.full((request.height, request.width, 3), (request.seed + index) % 256, dtype=np.uint8)
        start, mask = request.picture("image"), request.picture("mask_image")
        if start is None or mask is None or start.shape != new.shape:
            return new
        return np.where(mask > 127, new, start)


@dataclass
class Studio:
    services: Services
    painter: Painter
    guard: Guard

    def program(self, address: str = "127.0.0.1", **headers: str) -> TestClient:
        """A program that keeps no cookies."""
        client = TestClient(self.guard, URL, headers=headers, client=(address, 5000), raise_server_exceptions=False)
        client.cookies.jar.set_policy(_NoCookies())
        return client


class _NoCookies(__import__("http.cookiejar").cookiejar.DefaultCookiePolicy):
    def set_ok(self, cookie: Any, request: Any) -> bool:
        return False


def open_studio(folder: Path, shared: bool = False, token: str = "", open_api: bool = True) -> Studio:
    painter = Painter()
    painter.go.set()
    painter.ends.set()
    devices, store, inputs = Lanes.over("cpu"), ImageStore(folder), InputStore(folder)
    jobs = JobQueue(devices, store, get=lambda name: painter, inputs=inputs)
    settings = Settings(folder, shared, api=open_api)
    services = Services(
        jobs, store, devices, lambda name: painter, lambda: (painter.name,), settings, inputs, Library.over((), folder)
    )
    door = Door(token) if token else None
    return Studio(services, painter, Guard(api.build(services), Hosts(any_address=shared), door))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = open_studio(tmp_path)
    yield studio
    studio.painter.go.set()
    studio.services.close()


def post(program: TestClient, verb: str, body: dict[str, Any], status: int = 200) -> Any:
    answer = program.post(f"{V1}/{verb}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


def get(program: TestClient, verb: str) -> Any:
    answer = program.get(f"{V1}/{verb}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def pixels(encoded: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded, validate=True))).convert("RGB"))


def encoded(picture: np.ndarray, head: str = "") -> str:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return head + base64.b64encode(data.getvalue()).decode()


def message(program: TestClient, verb: str, body: dict[str, Any]) -> str:
    error = post(program, verb, body, 422)["error"]
    assert error["code"] in ("bad_request", "bad_file") and len(error["message"]) < 300
    return error["message"]


# What the Python package webuiapi sends for `api.txt2img(prompt="a fox", ...)`: every field, most of them idle.
WEBUIAPI = {
    "enable_hr": False,
    "hr_scale": 2,
    "hr_upscaler": "Latent",
    "hr_second_pass_steps": 0,
    "hr_resize_x": 0,
    "hr_resize_y": 0,
    "hr_checkpoint_name": None,
    "hr_sampler_name": None,
    "hr_scheduler": None,
    "hr_prompt": "",
    "hr_negative_prompt": "",
    "denoising_strength": 0.7,
    "firstphase_width": 0,
    "firstphase_height": 0,
    "prompt": "a fox",
    "styles": [],
    "seed": 42,
    "subseed": -1,
    "subseed_strength": 0.0,
    "seed_resize_from_h": 0,
    "seed_resize_from_w": 0,
    "batch_size": 2,
    "n_iter": 2,
    "steps": 3,
    "cfg_scale": 7.0,
    "width": 64,
    "height": 96,
    "restore_faces": False,
    "tiling": False,
    "do_not_save_samples": False,
    "do_not_save_grid": False,
    "negative_prompt": "blurry",
    "eta": 1.0,
    "s_churn": 0,
    "s_tmax": 0,
    "s_tmin": 0,
    "s_noise": 1,
    "override_settings": {},
    "override_settings_restore_afterwards": True,
    "sampler_name": "Euler a",
    "scheduler": None,
    "script_name": None,
    "script_args": [],
    "send_images": True,
    "save_images": False,
    "alwayson_scripts": {},
    "sampler_index": None,
    "use_deprecated_controlnet": False,
    "refiner_checkpoint": None,
    "refiner_switch_at": None,
}


def test_a_script_with_webuiapi_gets_its_pictures_their_seeds_and_infotexts(studio: Studio):
    answer = post(studio.program(), "txt2img", WEBUIAPI)
    assert [int(pixels(image)[0, 0, 0]) for image in answer["images"]] == [42, 43, 44, 45]
    assert pixels(answer["images"][0]).shape == (96, 64, 3)
    assert answer["parameters"] == WEBUIAPI
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [42, 43, 44, 45] and info["all_prompts"] == ["a fox"] * 4
    assert (info["sampler_name"], info["sd_model_name"], info["steps"]) == ("Euler a", "aigc-mini", 3)
    assert info["ignored"] == {}
    read = infotext.parse(info["infotexts"][2])["request"]
    assert (read["seed"], read["sampler"], read["guidance_scale"]) == (44, "euler_ancestral", 7.0)
    assert len(studio.services.store.list()) == 4, "the pictures are kept as all others are"


def test_a_paint_plug_in_connects_chooses_a_model_and_paints_into_its_selection(studio: Studio):
    program = studio.program()
    titles = [model["title"] for model in get(program, "sd-models")]
    names = {sampler["name"] for sampler in get(program, "samplers")}
    labels = {one["label"] for one in get(program, "schedulers")}
    assert "aigc-mini" in titles and {"Euler a", "DPM++ 2M", "DDIM"} <= names and {"Automatic", "Karras"} <= labels
    assert get(program, "loras") == [] and get(program, "embeddings")["loaded"] == {}
    assert {one["name"] for one in get(program, "upscalers")} == {"None", "Lanczos", "AIGC flat art"}
    assert get(program, "options")["sd_model_checkpoint"] == "aigc-mini"
    assert post(program, "options", {"sd_model_checkpoint": "aigc-mini [6ce0161689]", "img2img_fix_steps": True}) == {
        "ignored": ["img2img_fix_steps"]
    }
    canvas = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    selection = np.zeros((64, 64, 3), dtype=np.uint8)
    selection[16:48, 16:48] = 255
    asked = {
        "init_images": [encoded(canvas, "data:image/png;base64,")],
        "mask": encoded(selection),
        "prompt": "a fox",
        "seed": 7,
        "steps": 2,
        "width": 64,
        "height": 64,
        "denoising_strength": 0.5,
        "inpainting_fill": 1,
        "mask_blur": 0,
        "inpainting_mask_invert": 0,
        "inpaint_full_res": False,
        "resize_mode": 0,
        "sampler_name": "DPM++ 2M Karras",
    }
    answer = post(program, "img2img", asked)
    made = pixels(answer["images"][0])
    assert (made[selection == 0] == canvas[selection == 0]).all() and (made[16:48, 16:48] == 7).all()
    info = json.loads(answer["info"])
    assert info["ignored"] == {} and info["denoising_strength"] == 0.5
    assert "init_images" not in answer["parameters"], "a megabyte need not come back"
    inverted = pixels(post(program, "img2img", asked | {"inpainting_mask_invert": 1})["images"][0])
    assert (inverted[selection == 255] == canvas[selection == 255]).all() and (inverted[0, 0] == 7).all()


def test_what_has_no_place_here_is_listed_with_the_reason(studio: Studio):
    square = encoded(np.full((64, 128, 3), 200, dtype=np.uint8))
    asked = {
        "init_images": [square, square],
        "mask": square,
        "mask_blur_x": 8,
        "inpaint_full_res": True,
        "steps": 1,
        "width": 64,
        "height": 64,
        "tiling": True,
        "styles": ["noir"],
        "alwayson_scripts": {"controlnet": {}, "Refiner": {"args": []}},
        "override_settings": {"eta_noise_seed_delta": 31337},
    }
    ignored = json.loads(post(studio.program(), "img2img", asked)["info"])["ignored"]
    assert set(ignored) == {
        "init_images",
        "mask_blur_x",
        "resize_mode",
        "tiling",
        "styles",
        "override_settings.eta_noise_seed_delta",
    }
    assert "in both directions" in ignored["mask_blur_x"] and "cut to the size" in ignored["resize_mode"]


def test_what_a_client_varies_and_overrides_reaches_the_request(studio: Studio, tmp_path: Path, monkeypatch):
    home = tmp_path / "webui" / "models"
    for name in ("vae/clear", "Lora/ink", "ESRGAN/4x-Sharp", "embeddings/glaze"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / f"{name}.safetensors").write_bytes(b"")
    styles = 'name,prompt,negative_prompt\nnoir,"{prompt}, noir",colour\nwet,rain,\n'
    (home.parent / "styles.csv").write_text(styles, encoding="utf-8")
    monkeypatch.setenv("AIGC_MODELS", str(home))
    program = studio.program()
    assert [one["name"] for one in get(program, "loras")] == ["ink"]
    assert list(get(program, "embeddings")["loaded"]) == ["glaze"]
    assert [one["model_name"] for one in get(program, "sd-vae")] == ["clear.safetensors"]
    assert [one["name"] for one in get(program, "prompt-styles")] == ["noir", "wet"]
    assert "4x-Sharp" in {one["name"] for one in get(program, "upscalers")}
    asked = {
        "prompt": "a fox", "steps": 1, "width": 64, "height": 64, "subseed": 9, "subseed_strength": 0.25,
        "seed_resize_from_w": 128, "seed_resize_from_h": -1, "styles": ["noir", "wet"],
        "override_settings": {"CLIP_stop_at_last_layers": 2, "sd_vae": "clear.safetensors"},
        "enable_hr": True, "hr_scale": 2, "hr_upscaler": "4X-sharp",
    }  # fmt: skip
    refused = post(program, "txt2img", asked, 422)
    assert "seed_resize_width and seed_resize_height go together" in json.dumps(refused)
    info = json.loads(post(program, "txt2img", asked | {"seed_resize_from_h": 64})["info"])
    assert info["ignored"] == {}
    assert (info["prompt"], info["negative_prompt"]) == ("a fox, noir, rain", "colour")
    assert (info["subseed"], info["subseed_strength"], info["clip_skip"]) == (9, 0.25, 2)
    assert info["sd_vae_name"] == "clear.safetensors"
    values = studio.services.jobs.list()[0].request.values()
    assert (values["seed_resize_width"], values["hires_upscaler"], values["vae"]) == (
        128,
        "4x-Sharp",
        "clear.safetensors",
    )


def test_a_mask_is_softened_filled_and_cut_around_as_it_is_asked_for(studio: Studio):
    square = encoded(np.full((64, 64, 3), 200, dtype=np.uint8))
    asked = {"init_images": [square], "mask": square, "steps": 1, "width": 64, "height": 64}
    said = {"mask_blur": 8, "inpainting_fill": 2, "inpaint_full_res": False, "inpaint_full_res_padding": 48}
    for more in (said, {}):
        assert json.loads(post(studio.program(), "img2img", asked | more)["info"])["ignored"] == {}
    values = [job.request.values() for job in studio.services.jobs.list()]
    fields = ("mask_blur", "mask_fill", "only_masked", "masked_padding")
    assert sorted(tuple(one[name] for name in fields) for one in values) == [
        (4, "fill", True, 0),
        (8, "noise", False, 48),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"steps": 5000}, "steps must be 1 to 150; got 5000."),
        ({"cfg_scale": "much"}, "cfg_scale must be a number; got 'much'."),
        ({"width": 60}, "width must be 64 to"),
        ({"seed": 2**64}, "seed must be -1 to 18446744073709551615; got"),
        (
            {"enable_hr": True, "hr_resize_x": 2 * SIDE, "hr_resize_y": SIDE},
            f"the shape of {SIDE} x {SIDE}; got {2 * SIDE} x",
        ),
        ({"sampler_name": "Restart X"}, "sampler_name must be one of"),
        ({"scheduler": "Sideways"}, "scheduler must be one of"),
        ({"n_iter": 0}, "n_iter must be 1 to 16"),
        ({"batch_size": 17}, "batch_size must be 1 to 16"),
        ({"override_settings": {"sd_model_checkpoint": "../secret"}}, "sd_model_checkpoint must be one of"),
        ({"override_settings": []}, "override_settings must be a JSON object"),
        ({"enable_hr": True, "hr_scale": 5}, "hr_scale must be 1 to 4; got 5."),
        ({"enable_hr": True, "denoising_strength": 0}, "denoising_strength must be 0.05 to 1; got 0."),
        ({"prompt": 5}, "prompt must be text"),
        ({"seed": 2**64 - 1, "n_iter": 2}, "seed must be"),
        ({"width": 512, "height": 512, "batch_size": 16, "steps": 150}, "too much for one job"),
    ],
)
def test_bad_values_get_our_sentence_in_the_clients_own_names_and_start_nothing(studio: Studio, body: dict, said: str):
    assert said in message(studio.program(), "txt2img", body)
    until(lambda: all(job.over for job in studio.services.jobs.list()))
    assert studio.services.store.list() == []


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        (None, "init_images must be a list"),
        ([], "init_images must be a list"),
        (["%%%"], "not valid base64"),
        (["http://evil.example/x.png"], "fetches nothing"),
        ([5], "must be a picture in base64"),
        ([base64.b64encode(b"not a picture").decode()], "not a picture that can be read"),
    ],
)
def test_pictures_that_are_none_get_a_sentence(studio: Studio, pictures: Any, said: str):
    assert said in message(studio.program(), "img2img", {"init_images": pictures})


def test_a_side_between_two_multiples_of_8_is_the_lower_one_and_that_is_said(studio: Studio):
    answer = post(studio.program(), "txt2img", {"steps": 1, "width": 71, "height": 64})
    info = json.loads(answer["info"])
    assert (info["width"], info["height"]) == (64, 64)
    assert info["ignored"] == {"width": "sides are multiples of 8: 64 is used"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ({}, (2.0, 0, 0.75, "latent")),
        ({"hr_scale": 1.5, "hr_second_pass_steps": 9, "denoising_strength": 0.5}, (1.5, 9, 0.5, "latent")),
        ({"hr_upscaler": "Latent (bicubic antialiased)"}, (2.0, 0, 0.75, "latent")),
        ({"hr_upscaler": "R-ESRGAN 4x+"}, (2.0, 0, 0.75, "ours")),
        ({"hr_upscaler": "Lanczos"}, (2.0, 0, 0.75, "lanczos")),
        ({"hr_scale": 3, "hr_resize_x": SIDE * 3 // 2}, (1.5, 0, 0.75, "latent")),
    ],
)
def test_hires_is_the_second_pass(studio: Studio, said: dict, ours: tuple):
    answer = post(studio.program(), "txt2img", {"steps": 1, "enable_hr": True} | said)
    replaced = {"hr_upscaler": "R-ESRGAN 4x+ is not installed: AIGC flat art is used instead"}
    assert json.loads(answer["info"])["ignored"] == (replaced if "R-ESRGAN 4x+" in said.values() else {})
    post(studio.program(), "txt2img", {"steps": 1, "hr_scale": 4})
    asked = [job.request.values() for job in studio.services.jobs.list()]
    fields = ("hires_scale", "hires_steps", "hires_strength", "hires_upscaler")
    assert ours in [tuple(one[name] for name in fields) for one in asked]
    assert sorted(one["hires_scale"] for one in asked) == [1, ours[0]], "only where it is enabled"
    assert {one["upscale"] for one in asked} == {"none"}, "a client gets the size that it asked for"


def test_progress_is_told_while_it_runs_and_interrupt_gives_the_picture_as_far_as_it_came(studio: Studio):
    studio.painter.go.clear()
    answers: list[Any] = []
    program = studio.program()
    asking = threading.Thread(
        target=lambda: answers.append(post(program, "txt2img", {"steps": 10, "n_iter": 2, "seed": 5}))
    )
    asking.start()
    other = studio.program()
    until(lambda: get(other, "progress")["state"]["sampling_steps"] == 10)
    progress = get(other, "progress")
    assert progress["progress"] == 0.1 and progress["state"]["job_count"] == 2
    assert (pixels(progress["current_image"]) == 5).all()
    assert get(other, "progress?skip_current_image=true")["current_image"] is None
    post(studio.program("10.0.0.9"), "interrupt", {})
    assert get(other, "progress")["state"]["job_count"] == 2, "nobody else can end it"
    post(other, "interrupt", {})
    asking.join(30)
    [answer] = answers
    assert 1 <= len(answer["images"]) <= 2, "the second may not have begun"
    assert get(other, "progress")["progress"] == 0 and get(other, "progress")["state"]["job_count"] == 0
    assert studio.services.store.list()[0].unfinished


def test_skip_ends_what_runs_and_goes_on_with_the_next(studio: Studio):
    studio.painter.go.clear()
    studio.services.jobs._line._places_of_one = Places(1, 0)
    answers: list[Any] = []
    program = studio.program()
    asking = threading.Thread(
        target=lambda: answers.append(post(program, "txt2img", {"steps": 5, "n_iter": 2, "seed": 5}))
    )
    asking.start()
    until(lambda: get(program, "progress")["state"]["sampling_step"] == 1)
    assert program.post(f"{V1}/skip").status_code == 200
    until(lambda: get(program, "progress")["state"]["job_count"] == 1)
    studio.painter.go.set()
    asking.join(30)
    assert json.loads(answers[0]["info"])["all_seeds"] == [5, 6]
    assert [info.unfinished for info in studio.services.store.list()] == [False, True]


def test_a_lost_connection_loses_no_picture(studio: Studio):
    """A client that is gone is not waited for, and its job goes on."""
    import asyncio

    studio.painter.go.clear()
    body = json.dumps({"steps": 2, "seed": 9}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"{V1}/txt2img",
        "raw_path": b"",
        "query_string": b"",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1:7860"), (b"content-type", b"application/json")],
        "http_version": "1.1",
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 7860),
        "root_path": "",
    }
    asyncio.run(asyncio.wait_for(studio.guard(scope, receive, send), 10))
    assert studio.services.store.list() == []
    studio.painter.go.set()
    until(lambda: studio.services.store.list() != [])
    assert studio.services.store.list()[0].recipe["request"]["seed"] == 9


def test_a_failed_job_says_why(studio: Studio):
    answer = studio.program().post(f"{V1}/txt2img", json={"prompt": "fail"})
    assert answer.status_code == 507 and answer.json()["error"]["code"] == "job_failed"
    assert len(answer.json()["error"]["message"]) > 20 and "Traceback" not in answer.text


def test_png_info_reads_any_tools_picture(studio: Studio):
    data = base64.b64encode(png({"parameters": INFOTEXT})).decode()
    answer = post(studio.program(), "png-info", {"image": "data:image/png;base64," + data})
    assert answer["info"] == INFOTEXT and answer["items"] == {"parameters": INFOTEXT} and answer["parameters"] == FOX


def test_memory_is_told_and_what_is_not_there_is_a_404(studio: Studio):
    memory = get(studio.program(), "memory")
    assert 0 < memory["ram"]["used"] < memory["ram"]["total"] and memory["cuda"] == {"error": "unavailable"}
    assert studio.program().get(f"{V1}/interrogate").status_code == 404


def test_without_the_option_there_is_a_sentence_only(tmp_path: Path):
    studio = open_studio(tmp_path, open_api=False)
    for answer in (studio.program().get(f"{V1}/samplers"), studio.program().post(f"{V1}/txt2img", json={})):
        assert answer.status_code == 404 and "--api" in answer.json()["error"]["message"]
    assert list(studio.services.jobs.list()) == []
    studio.services.close()


def test_no_other_web_site_and_nobody_without_the_token_can_use_it(tmp_path: Path):
    studio = open_studio(tmp_path, shared=True, token="the-token")
    assert studio.program().get(f"{V1}/samplers").status_code == 401
    assert studio.program(authorization="Bearer the-token").get(f"{V1}/samplers").status_code == 200
    basic = "Basic " + base64.b64encode(b"anybody:the-token").decode()
    assert studio.program(authorization=basic).get(f"{V1}/samplers").status_code == 200
    wrong = "Basic " + base64.b64encode(b"the-token:wrong").decode()
    assert studio.program(authorization=wrong).get(f"{V1}/samplers").status_code == 401
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"host": "evil.example"}):
        answer = studio.program(authorization=basic, **headers).post(f"{V1}/txt2img", json={})
        assert answer.status_code == 403
    studio.services.close()


def test_a_model_chosen_by_one_client_is_nobody_elses(studio: Studio, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "models" / "other").mkdir(parents=True)
    (tmp_path / "models" / "other" / "model_index.json").write_text("{}", encoding="utf-8")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    one, two = studio.program(), studio.program("10.0.0.9")
    post(one, "options", {"sd_model_checkpoint": "other.safetensors"})
    assert get(one, "options")["sd_model_checkpoint"] == "other"
    assert get(two, "options")["sd_model_checkpoint"] == "aigc-mini"
    assert json.loads(post(one, "txt2img", {"steps": 1})["info"])["sd_model_name"] == "other"
    assert json.loads(post(two, "txt2img", {"steps": 1})["info"])["sd_model_name"] == "aigc-mini"


def test_a_picture_of_the_largest_size_fits_in_base64_and_beyond_it_is_413(studio: Studio):
    assert Limits().of(f"{V1}/img2img") >= 32 * 2**20 * 4 / 3
    small = Guard(studio.guard.app, Hosts(), limits=Limits(encoded=1000))
    answer = TestClient(small, URL).post(f"{V1}/img2img", json={"init_images": ["x" * 2000]})
    assert answer.status_code == 413


def test_interrupt_ends_one_request_and_leaves_another_programs_under_the_same_name(studio: Studio):
    """Two programs that cannot be told apart: what `progress` shows ends, the other's picture is painted."""
    studio.painter.go.clear()
    studio.services.jobs._line._places_of_one = Places(1, 0)
    program, answers = studio.program(), {}

    def ask(seed: int) -> threading.Thread:
        body = {"steps": 3, "n_iter": 2, "seed": seed}
        asking = threading.Thread(target=lambda: answers.update({seed: post(program, "txt2img", body)}))
        asking.start()
        return asking

    first = ask(10)
    until(lambda: get(program, "progress")["state"]["job_count"] == 2)
    second = ask(20)
    until(lambda: get(program, "progress")["state"]["job_count"] == 4)
    studio.painter.ends.clear()  # so that the second press comes while the first one's job is still ending
    post(program, "interrupt", {})
    post(program, "interrupt", {})
    studio.painter.go.set()
    studio.painter.ends.set()
    first.join(30)
    second.join(30)
    assert len(answers[10]["images"]) == 1 and len(answers[20]["images"]) == 2
    assert [info.unfinished for info in studio.services.store.list()] == [False, False, True]


def test_models_chosen_by_invented_clients_do_not_make_others_forgotten():
    chosen = Chosen(most=10)
    chosen.choose(Visitor("ada", "10.0.0.7"), "hers")
    for i in range(100):
        chosen.choose(Visitor(f"invented-{i}", "10.0.0.66"), "x")
    assert chosen.of("ada") == "hers" and chosen.of("invented-99") == "x" and chosen.of("invented-1") is None


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of models with a ControlNet "edges" and an IP-Adapter "likeness"; what is in them does not matter."""
    home = tmp_path / "models"
    for folder, name in (("controlnet", "edges"), ("ipadapter", "likeness")):
        (home / folder).mkdir(parents=True)
        save_file({"weight": torch.ones(2)}, home / folder / f"{name}.safetensors")
    monkeypatch.setenv("AIGC_MODELS", str(home))


def units(*args: dict[str, Any]) -> dict[str, Any]:
    return {"prompt": "a fox", "steps": 1, "alwayson_scripts": {"ControlNet": {"args": list(args)}}}


def test_units_of_controlnet_become_networks_and_reference_pictures(studio: Studio, nets: None):
    square, other = (encoded(np.full((64, 64, 3), level, np.uint8)) for level in (200, 90))
    first = {"image": square, "module": "canny", "model": "edges [d14c016b]", "weight": 0.5, "threshold_a": 64}
    second = {"input_image": other, "module": "Invert (from white bg & black line)", "model": "Edges"}
    third = {"image": {"image": square, "mask": None}, "model": "likeness", "guidance_end": 0.5, "enabled": True}
    off = {"model": "edges", "enabled": False}
    post(studio.program(), "txt2img", units(first, second, third, off, {"model": "None"}))
    asked = studio.painter.requests[-1]
    assert [(unit.model, unit.type) for unit in asked.controls] == [
        ("edges", "canny"),
        ("edges", "inverted"),
        ("none", "plain"),
    ]
    assert (asked.controls[0].scale, asked.controls[0].low, asked.controls[0].high) == (0.5, 64, 200)
    assert asked.controls[0].image != asked.controls[1].image
    assert (asked.references[0].model, asked.references[0].end) == ("likeness", 0.5)
    assert asked.references[0].image == asked.controls[0].image


def test_a_unit_without_a_picture_follows_the_one_that_is_painted_over(studio: Studio, nets: None):
    square = encoded(np.full((64, 64, 3), 200, np.uint8))
    post(studio.program(), "img2img", units({"model": "edges"}) | {"init_images": [square]})
    asked = studio.painter.requests[-1]
    assert asked.controls[0].image == asked.start.image


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (units({"model": "edges"}), "a unit of controlnet has no image to follow"),
        (units({"model": "gone", "image": "x"}), "controlnet's model 'gone' is not here"),
        (units({"model": "edges", "image": "/w==", "module": "openpose"}), "controlnet's module must be one of none"),
        (units({"model": "edges", "image": "/w==", "weight": 9}), "weight must be 0 to 2; got 9"),
        (units(*[{"model": "edges", "image": encoded(np.zeros((9, 9, 3), np.uint8))}] * 4), "more than 3 units"),
        ({"alwayson_scripts": {"ADetailer": {"args": [True]}}}, "alwayson_scripts holds ADetailer, which this studio"),
        ({"script_name": "X/Y/Z plot", "script_args": [1]}, "script_name names 'X/Y/Z plot', and this studio runs no"),
    ],
)
def test_what_cannot_be_run_is_refused_and_not_passed_over(studio: Studio, nets: None, body: dict, said: str):
    assert said in message(studio.program(), "txt2img", {"prompt": "a fox"} | body)
    assert studio.painter.requests == []


def test_what_plug_ins_ask_as_they_connect_is_answered(studio: Studio, nets: None):
    program = studio.program()
    assert program.get("/controlnet/model_list").json() == {"model_list": ["edges", "likeness"]}
    assert {"none", "canny"} <= set(program.get("/controlnet/module_list").json()["module_list"])
    assert program.get("/controlnet/version").json() == {"version": 2}
    for verb in ("refresh-checkpoints", "refresh-vae", "refresh-loras", "unload-checkpoint", "reload-checkpoint"):
        assert program.post(f"{V1}/{verb}").status_code == 200
    assert get(program, "realesrgan-models") == []
    assert program.post(f"{V1}/interrogate", json={}).json()["error"]["message"].startswith("this studio has no model")


@pytest.mark.parametrize(
    "code, status",
    [("bad_request", 422), ("bad_file", 422), ("not_found", 404), ("out_of_memory", 507), ("device_lost", 503)]
    + [("bug", 500)],
)
def test_a_job_that_fails_by_its_request_is_no_fault_of_the_studio(code: str, status: int) -> None:
    assert JobFailed.of(JobError(code, Sentence("the mask is all black."))).status == status


def test_settings_at_the_end_of_a_prompt_are_read_and_what_nobody_knows_is_said():
    from aigc_ui.sdapi_fields import text_to_image
    from pipelines.requests.text_to_image import TextToImageRequest

    body = {"prompt": "a fox --ar 2:1 --v 6", "width": 256, "height": 256}
    asked = TextToImageRequest.parse(text_to_image(body, TextToImageRequest, None, None).values)  # type: ignore[arg-type]
    assert (asked.prompt, asked.left_out) == ("a fox", ("--v 6",)) and asked.width == 2 * asked.height
