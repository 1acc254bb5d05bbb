"""A1111's `/sdapi/v1`, for the programs that speak it: paint plug-ins, bots, scripts. Open with `--api` only.

The same queue, store and rules as the page's: a request becomes jobs, the answer waits for them, and a connection that
is lost loses no picture. A field that this studio does not have is listed in the answer's info under "ignored".
"""

import io
import json
import secrets
import time
from collections import Counter, OrderedDict
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from aigc_ui import bodies, sdapi_echo, sdapi_extras, sdapi_lists
from aigc_ui.plain import NOT_KEPT, json_bytes
from aigc_ui.sdapi_fields import SdapiRequest, checkpoint, fields_of, image_to_image, text_to_image
from aigc_ui.sdapi_jobs import JobFailed, encoded, finished, submit_all
from aigc_ui.sdapi_pictures import decoded
from aigc_ui.services import Services
from aigc_ui.visitors import Visitor, visitor_of
from pipelines import SOFTWARE
from pipelines.engine.queue import Job, JobState
from pipelines.errors import NotFound
from pipelines.models import vaes
from pipelines.params import Request as Values
from pipelines.store import foreign, infotext
from pipelines.store.film import sheet
from pipelines.store.picture_files.reader import PictureReader

PREFIX = "/sdapi/v1"
REMEMBERED = 1000  # clients whose chosen model is remembered, and jobs whose call is


class Chosen:
    """The model that each client has switched to; the oldest of the address that has the most are forgotten."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._most = most
        self._models: OrderedDict[str, tuple[str, str]] = OrderedDict()  # client -> (model, address)

    def of(self, client: str) -> str | None:
        return self._models.get(client, (None,))[0]

    def choose(self, visitor: Visitor, model: str) -> None:
        self._models[visitor.client] = model, visitor.address
        self._models.move_to_end(visitor.client)
        if len(self._models) > self._most:
            fullest = Counter(address for _, address in self._models.values()).most_common(1)[0][0]
            del self._models[next(client for client, (_, address) in self._models.items() if address == fullest)]


class Calls:
    """Which jobs one request for pictures became: they end together. The oldest are forgotten."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def add(self, jobs: list[Job]) -> None:
        ids = tuple(job.id for job in jobs)
        self._calls.update(dict.fromkeys(ids, ids))
        while len(self._calls) > REMEMBERED:
            self._calls.popitem(last=False)

    def of(self, job: Job) -> tuple[str, ...]:
        return self._calls.get(job.id, (job.id,))


def closed() -> APIRouter:
    """What stands there without `--api`: a sentence that says how to open it."""
    router = APIRouter(prefix=PREFIX)

    @router.api_route("/{rest:path}", methods=["GET", "POST"])
    def shut(rest: str) -> None:
        raise NotFound("this studio was started without the interface of AUTOMATIC1111. Start it with --api.")

    return router


def router(services: Services) -> APIRouter:
    router = APIRouter()
    chosen, calls = Chosen(), Calls()
    own = (_making(services, chosen, calls), _running(services, calls), _options(services, chosen))
    router.include_router(sdapi_extras.router(services))
    router.include_router(sdapi_extras.control_router(services))
    for part in (*own, sdapi_lists.router(services)):
        router.include_router(part, prefix=PREFIX)
    return router


def _making(services: Services, chosen: Chosen, calls: Calls) -> APIRouter:
    router, rooms = APIRouter(), services.rooms

    @router.post("/txt2img")
    async def txt2img(request: Request) -> Response:
        body, client = await bodies.read(request), _client(request)
        kind, model = sdapi_lists.request_type(services), chosen.of(client) or services.settings.first_model
        asked = await rooms.pictures.run(client, lambda: text_to_image(body, kind, model, services.inputs))
        return await _made(services, calls, request, asked, body)

    @router.post("/img2img")
    async def img2img(request: Request) -> Response:
        body, client = await bodies.read(request), _client(request)
        kind, model = sdapi_lists.request_type(services), chosen.of(client) or services.settings.first_model
        asked = await rooms.pictures.run(client, lambda: image_to_image(body, kind, model, services.inputs))
        return await _made(services, calls, request, asked, body)

    @router.post("/png-info")
    async def png_info(request: Request) -> dict[str, Any]:
        image, kind = (await bodies.read(request)).get("image"), sdapi_lists.request_type(services)
        reader = services.inputs.reader
        return await rooms.metadata.answer(request, lambda: _png_info(decoded("image", image), kind, reader))

    return router


def _running(services: Services, calls: Calls) -> APIRouter:
    router = APIRouter()

    @router.get("/progress")
    async def progress(request: Request) -> dict[str, Any]:
        jobs = _unfinished(services, _client(request))
        skip_image = request.query_params.get("skip_current_image", "false").lower() == "true"
        return await services.rooms.programs.answer(request, lambda: _progress(jobs, with_image=not skip_image))

    @router.post("/interrupt")
    async def interrupt(request: Request) -> dict[str, Any]:
        """Ends the request for pictures that `progress` shows, or the next one; others of this client go on.

        So does A1111, and so programs that cannot be told apart end one another's work one at a time at the most.
        """
        client = _client(request)
        jobs = _unfinished(services, client)
        call = calls.of(jobs[0]) if jobs else ()
        ending = [job for job in jobs if job.id in call]
        await services.rooms.ending.run(client, lambda: _end(services, client, ending))
        return {}

    @router.post("/skip")
    async def skip(request: Request) -> None:
        """Ends the one job that `progress` shows."""
        client = _client(request)
        running = [job for job in _unfinished(services, client) if job.state is not JobState.WAITING]
        await services.rooms.ending.run(client, lambda: _end(services, client, running[:1]))

    return router


def _options(services: Services, chosen: Chosen) -> APIRouter:
    router = APIRouter()

    @router.get("/options")
    async def options(request: Request) -> dict[str, Any]:
        kind = sdapi_lists.request_type(services)
        model = chosen.of(_client(request)) or services.settings.first_model or kind().values()["model"]
        return {"sd_model_checkpoint": model, "samples_format": "png", "samples_save": True, "sd_vae": "Automatic"}

    @router.post("/options")
    async def change(request: Request) -> dict[str, Any]:
        body = await bodies.read(request)
        if "sd_model_checkpoint" in body:
            name, kind = body["sd_model_checkpoint"], sdapi_lists.request_type(services)
            model = await services.rooms.lists.answer(request, lambda: checkpoint(name, kind))
            chosen.choose(visitor_of(request), model)
        others = {name: "" for name in sorted(body) if name != "sd_model_checkpoint"}
        return {"ignored": list(sdapi_echo.shortened(others))}

    return router


async def _made(
    services: Services, calls: Calls, request: Request, asked: SdapiRequest, body: dict[str, Any]
) -> Response:
    visitor, rooms = visitor_of(request), services.rooms
    jobs = await rooms.submitting.run(visitor.client, lambda: _submitted(services, asked, visitor))
    calls.add(jobs)
    await finished(services, jobs, visitor.client, request)
    data = await rooms.programs.answer(request, lambda: json_bytes(_answer(services, asked, jobs, body)))
    return Response(data, media_type="application/json", headers=NOT_KEPT)


def _submitted(services: Services, asked: SdapiRequest, visitor: Visitor) -> list[Job]:
    """A job a batch, with seeds that go on; all of them or, where one is refused, none."""
    generator = services.generator(sdapi_lists.GENERATOR)
    first = generator.request_type.parse(asked.values)
    seed = secrets.randbelow(2**31) if first.value("seed") < 0 else first.value("seed")
    starts = [seed + batch * first.value("count") for batch in range(asked.batches)]
    bounds = fields_of(generator.request_type)["seed"].spec
    requests = [first.changed(seed=bounds.check("seed", start, int)) for start in starts]
    return submit_all(services, generator.name, requests, visitor)


def _answer(services: Services, asked: SdapiRequest, jobs: list[Job], body: dict[str, Any]) -> dict[str, Any]:
    infos = [services.store.get(image_id) for job in jobs for image_id in job.image_ids]
    error = next((job.error for job in jobs if job.error), None)
    if not infos and error:
        raise JobFailed.of(error)
    pictures = [encoded(services.store.handed_out(info.id)) for info in infos] if asked.send_images else []
    echo = sdapi_echo.parameters(body)
    info = _info(asked, jobs, [one.recipe for one in infos], [one.id for one in infos])
    return {"images": pictures, "parameters": echo, "info": json.dumps(info, ensure_ascii=False)}


def _info(asked: SdapiRequest, jobs: list[Job], recipes: list[dict[str, Any]], ids: list[str]) -> dict[str, Any]:
    """A1111's description of what was made, as its own clients take it apart; `image_ids`, `ignored` and `notes`, of
    a LoRA that is missing, say, are ours."""
    request = jobs[0].request.values()
    made = [request | recipe.get("request", {}) for recipe in recipes]  # each with its own seed and choices
    first = made[0] if made else request
    return {
        "prompt": first["prompt"],
        "all_prompts": [one["prompt"] for one in made],
        "negative_prompt": first["negative_prompt"],
        "all_negative_prompts": [one["negative_prompt"] for one in made],
        "seed": int(first["seed"]),
        "all_seeds": [int(one["seed"]) for one in made],
        "subseed": int(first["variation_seed"]),
        "all_subseeds": [int(one["variation_seed"]) for one in made],
        "subseed_strength": first["variation_strength"],
        "seed_resize_from_w": request["seed_resize_width"] or -1,
        "seed_resize_from_h": request["seed_resize_height"] or -1,
        "width": request["width"],
        "height": request["height"],
        "sampler_name": infotext.SAMPLER_LABELS.get(request["sampler"], request["sampler"]),
        "cfg_scale": request["guidance_scale"],
        "steps": request["num_inference_steps"],
        "batch_size": request["count"],
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": request["model"],
        "sd_model_hash": next((str(r["model_hash"])[:10] for r in recipes if r.get("model_hash")), ""),
        "sd_vae_hash": None,
        "sd_vae_name": None if request["vae"] == vaes.AUTOMATIC else request["vae"],
        "denoising_strength": request["strength"] if request["image"] else None,
        "extra_generation_params": {},
        "index_of_first_image": 0,
        "infotexts": [infotext.write(recipe) for recipe in recipes],
        "styles": [],
        "job_timestamp": _timestamp(jobs[0].created),
        "clip_skip": request["clip_skip"],
        "is_using_inpainting_conditioning": False,
        "version": SOFTWARE,
        "image_ids": ids,
        "ignored": asked.ignored,
        "notes": list(dict.fromkeys(str(note) for job in jobs for note in job.notes)),
    }


def _progress(jobs: list[Job], with_image: bool) -> dict[str, Any]:
    running = next((job for job in jobs if job.state is JobState.RUNNING or job.stopping), None)
    step, total = (running.progress.step, running.progress.total) if running else (0, 0)
    state = {
        "skipped": False,
        "interrupted": bool(running and running.stopping),
        "stopping_generation": bool(running and running.stopping),
        "job": running.progress.stage if running else "",
        "job_count": len(jobs),
        "job_timestamp": _timestamp(running.created if running else 0),
        "job_no": 0,
        "sampling_step": step,
        "sampling_steps": total,
    }
    return {
        "progress": step / total if total else 0.0,
        "eta_relative": _seconds_left(running or next(iter(jobs), None)),
        "state": state,
        "current_image": _current(running) if running and with_image else None,
        "textinfo": None,
    }


def _seconds_left(job: Job | None) -> float:
    """0 where that is not known."""
    return 0.0 if job is None else job.ends_in or job.progress.seconds_left or 0.0


def _current(job: Job) -> str | None:
    """The picture as the model sees it at the latest step."""
    frames = job.frames()
    if not frames:
        return None
    data = io.BytesIO()
    Image.fromarray(sheet(frames[-1].x0_pred)).save(data, "PNG", compress_level=1)
    return encoded(data.getvalue())


def _png_info(data: bytes, kind: type[Values], reader: PictureReader) -> dict[str, Any]:
    """What the picture says in its own words ("info", "items"), and as parameters that A1111's names fit."""
    carried = reader.texts(data)
    texts = {name: text for name, text in carried.items() if len(text) <= 1 << 16}
    found = foreign.read(data, kind, lambda _: carried, reader.hidden_texts)
    info = texts.get("parameters", "")
    if not info and found.settings:
        info = infotext.write({"request": found.settings, "software": found.tool})
    return {"info": info, "items": texts, "parameters": found.settings}


def _unfinished(services: Services, client: str) -> list[Job]:
    services.jobs.seen(client)
    return [job for job in services.jobs.list(client) if not job.over]


def _end(services: Services, client: str, jobs: list[Job]) -> None:
    for job in jobs:
        services.jobs.cancel(job.id, client)


def _client(request: Request) -> str:
    return visitor_of(request).client


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))
