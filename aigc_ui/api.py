"""The HTTP API: jobs, their live events, pictures, and how the studio is doing. Every error has one form.

    {"error": {"code": "bad_request", "message": "num_inference_steps must be 1 to 150; got 5000."}}

Who asks stands in the header that the guard sets. On one person's machine all pictures and jobs can be looked at, and
only one's own jobs be changed; in a shared studio one sees only one's own.
"""

import functools
import json
import re
import sys
import time
from collections import Counter
from dataclasses import asdict
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from fastapi.sse import EventSourceResponse
from starlette.exceptions import HTTPException

from aigc_ui import (
    addons_api,
    bodies,
    classroom,
    fields,
    folders_api,
    gallery_api,
    hub_api,
    lab_api,
    library_api,
    metadata_api,
    named_values_api,
    openai_api,
    openai_errors,
    prompt_api,
    restart,
    sdapi,
    sse,
)
from aigc_ui.frames import FrameEncoder
from aigc_ui.plain import NOT_KEPT, json_bytes
from aigc_ui.room import client_of
from aigc_ui.services import Services
from aigc_ui.visitors import Visitor, visitor_of
from pipelines import models, places
from pipelines.device import memory
from pipelines.diffusion import footprint
from pipelines.diffusion.advice import advise
from pipelines.diffusion.suited import suited
from pipelines.engine.queue import Job, JobState
from pipelines.errors import BadRequest, Sentence, StudioError
from pipelines.params import Range, Text
from pipelines.requests.film import GENERATOR as FILM
from pipelines.requests.text_to_image import GENERATOR, TextToImageRequest
from pipelines.store import copies, download_names, film, infotext
from pipelines.store.folders.rows import is_of_others
from pipelines.store.images import ImageInfo
from pipelines.store.picture_files.roles import PICTURE

PAGE_OF_IMAGES = Range(1, 500)
QUALITY = Range(1, 100)
# A picture's file is written once and never changed; private, because a shared studio's pictures are one person's.
FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}


def build(services: Services) -> FastAPI:
    """The API as an ASGI app of its own, to be put behind the guard."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, default_response_class=_Json)
    app.state.rooms = services.rooms
    app.include_router(_jobs(services))
    app.include_router(_images(services))
    app.include_router(_inputs(services))
    app.include_router(metadata_api.router(services))
    app.include_router(lab_api.router(services))
    app.include_router(prompt_api.router(services))
    app.include_router(folders_api.router(services))
    app.include_router(gallery_api.router(services))
    app.include_router(library_api.router(services))
    app.include_router(named_values_api.router(services))
    app.include_router(addons_api.router(services))
    app.include_router(hub_api.router(services))
    app.include_router(_about(services))
    app.include_router(restart.router(services))
    app.include_router(sdapi.router(services) if services.settings.api else sdapi.closed())
    app.include_router(openai_api.router(services) if services.settings.api else openai_api.closed())
    app.add_exception_handler(StudioError, _studio_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _bug)
    return app


def _jobs(services: Services) -> APIRouter:
    router = APIRouter(prefix="/api/v1/jobs")
    frames, rooms = FrameEncoder(), services.rooms
    streams = sse.Streams(room=rooms.frames)

    @router.post("", status_code=201)
    async def submit(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"generator": GENERATOR, "request": {}})
        visitor = visitor_of(request)

        def work() -> dict[str, Any]:
            services.allow(_text(body, "generator"), visitor)
            generator = services.generator(_text(body, "generator"))
            parsed = generator.request_type.parse(bodies.mapping(body["request"], "request"))
            return _job(services.submit(generator.name, parsed, visitor), visitor.client)

        return await rooms.submitting.run(visitor.client, work)  # also for who has gone: a job that was sent is made

    @router.get("")
    def listed(request: Request) -> dict[str, Any]:
        """One's own jobs; with ?all=1 everybody's, for the owner."""
        client = client_of(request)
        services.jobs.seen(client)
        if request.query_params.get("all") == "1":
            return {"jobs": classroom.jobs(services, visitor_of(request))}
        return {"jobs": [_job(job, client) for job in services.jobs.list(client)]}

    @router.get("/{job_id}")
    def one(job_id: str, request: Request) -> dict[str, Any]:
        client = client_of(request)
        services.jobs.seen(client)
        return _job(services.job_for(job_id, client), client)

    @router.delete("/{job_id}")
    async def end(job_id: str, request: Request) -> dict[str, Any]:
        visitor = visitor_of(request)
        return await rooms.ending.run(visitor.client, lambda: _ended(services, job_id, visitor))

    @router.post("/{job_id}/move")
    async def move(job_id: str, request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"position": None})
        position = int(Range(0, 100_000).check("position", body["position"], int))
        client = client_of(request)
        services.job_for(job_id, client)
        moved = await rooms.submitting.run(client, lambda: services.jobs.move(job_id, client, position))
        return _job(moved, client)

    @router.post("/{job_id}/save")
    async def save(job_id: str, request: Request) -> dict[str, Any]:
        """Once more what a full disk refused; the answer's `unsaved` counts what is left."""
        client = client_of(request)
        services.job_for(job_id, client)
        return _job(await rooms.submitting.run(client, lambda: services.jobs.save_again(job_id, client)), client)

    @router.get("/{job_id}/frames")
    async def kept_frames(job_id: str, request: Request) -> Response:
        job = services.job_for(job_id, client_of(request))

        def work() -> bytes:
            return json_bytes([frames.encode(frame) for frame in job.frames()])

        data = await rooms.frames.answer(request, work)
        return Response(data, media_type="application/json", headers=NOT_KEPT)

    @router.get("/{job_id}/film.{kind}")
    async def moving_picture(job_id: str, kind: str, request: Request) -> Response:
        """The film that a job made of a picture; of another job one of the frames that are kept."""
        job = services.job_for(job_id, client_of(request))
        if job.generator == FILM:
            made = services.store.film_file(job.film_id, kind)
            return FileResponse(made, media_type=film.MEDIA_TYPES[kind], filename=made.name, headers=NOT_KEPT)
        data = await rooms.films.answer(request, lambda: film.film(job.frames(), kind))
        named = {"content-disposition": f'attachment; filename="denoising-{job_id}.{kind}"'}
        return Response(data, media_type=film.MEDIA_TYPES[kind], headers=NOT_KEPT | named)

    @router.get("/{job_id}/events")
    async def events(job_id: str, request: Request) -> Response:
        visitor = visitor_of(request)
        job = services.job_for(job_id, visitor.client)
        after = _after(request)
        streams.check(job, visitor)
        if job.over and not await job.next_events(after):
            return Response(status_code=204)  # tells an EventSource not to connect again
        watching = streams.watch(job, after, frames, functools.partial(services.jobs.seen, visitor.client), visitor)
        return EventSourceResponse(watching, headers=sse.HEADERS)

    return router


def _ended(services: Services, job_id: str, visitor: Visitor) -> dict[str, Any]:
    if classroom.is_somebody_elses(services, job_id, visitor):
        return classroom.stop(services, job_id, visitor)
    act = services.jobs.remove if services.job_for(job_id, visitor.client).over else services.jobs.cancel
    return _job(act(job_id, visitor.client), visitor.client)


def _images(services: Services) -> APIRouter:
    router = APIRouter(prefix="/api/v1/images")

    @router.get("")
    async def newest(request: Request) -> Response:
        limit = int(PAGE_OF_IMAGES.check("limit", request.query_params.get("limit", 60), int))
        before = request.query_params.get("before") or None
        client = client_of(request)

        def work() -> bytes:
            return json_bytes({"images": [_image(info, client) for info in services.images(client, limit, before)]})

        data = await services.rooms.gallery.answer(request, work)
        return Response(data, media_type="application/json", headers=NOT_KEPT)

    @router.get("/{image_id}.jpg")
    async def jpeg(image_id: str, request: Request) -> Response:
        return await services.rooms.copies.answer(request, lambda: _copy(services, image_id, "jpg", request))

    @router.get("/{image_id}.webp")
    async def webp(image_id: str, request: Request) -> Response:
        return await services.rooms.copies.answer(request, lambda: _copy(services, image_id, "webp", request))

    @router.get("/{image_id}")
    async def picture(image_id: str, request: Request) -> Response:
        if is_of_others(name := image_id.removesuffix(".png")):
            return await folders_api.picture(services, name, request)
        return await services.rooms.files.answer(request, lambda: own(name, request))

    def own(image_id: str, request: Request) -> Response:
        info = services.image_for(image_id, client_of(request))
        headers = FOR_EVER | _download(request, info, "png")
        return Response(services.store.handed_out(info.id), media_type="image/png", headers=headers)

    @router.get("/{image_id}/meta")
    async def meta(image_id: str, request: Request) -> dict[str, Any]:
        if is_of_others(image_id):
            return await folders_api.meta(services, image_id, request)
        return await services.rooms.files.answer(request, lambda: own_meta(image_id, request))

    def own_meta(image_id: str, request: Request) -> dict[str, Any]:
        client = client_of(request)
        info = services.image_for(image_id, client)
        return _image(info, client) | {"parameters": infotext.write(info.recipe) if info.recipe else ""}

    return router


def _inputs(services: Services) -> APIRouter:
    router = APIRouter(prefix="/api/v1/inputs")

    @router.post("", status_code=201)
    async def keep(request: Request) -> dict[str, Any]:
        """`?as=mask` for what says where to paint: transparency means "keep" there."""
        role = request.query_params.get("as", PICTURE)
        return asdict(await services.rooms.pictures.with_body(request, lambda data: services.inputs.add(data, role)))

    @router.get("/{picture_id}.png")
    def picture(picture_id: str) -> Response:
        return FileResponse(services.inputs.path(picture_id), media_type="image/png", headers=FOR_EVER)

    return router


def _about(services: Services) -> APIRouter:
    router = APIRouter()

    @router.get("/healthz")
    async def health() -> dict[str, Any]:
        status = "device_lost" if services.devices.lost else "ok"
        ready, version = services.warmed.is_set(), services.settings.version
        return {"status": status, "ready": ready, "version": version, "devices": services.devices.listed()}

    @router.get("/api/v1/me")
    async def me(request: Request) -> dict[str, Any]:
        return classroom.about(services, visitor_of(request))

    @router.get("/api/v1/download-name")
    async def download_name(request: Request) -> dict[str, str]:
        """What `?pattern=` calls the newest picture, or one that might be. Raises BadRequest."""
        client, pattern = client_of(request), request.query_params.get("pattern", "")

        def work() -> dict[str, str]:
            newest = services.images(client, 1)
            return {"name": download_names.named(pattern, newest[0] if newest else download_names.EXAMPLE)}

        return await services.rooms.gallery.answer(request, work)

    @router.get("/api/v1/generators")
    async def generators(request: Request) -> dict[str, Any]:
        return await services.rooms.lists.answer(request, lambda: _generators(services))

    @router.post("/api/v1/estimate")
    async def estimate(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"request": {}})

        def work() -> dict[str, Any]:
            asked = TextToImageRequest.parse(bodies.mapping(body["request"], "request"))
            info = models.inspect(models.find(asked.model))
            told = footprint.estimate(info, asked, services.devices.main)
            said = {"advice": advise(info, asked).to_json(), "sizes": asked.painted_sizes()}
            return asdict(told) | {"embedded": info.folder.is_relative_to(places.EMBEDDED)} | said

        return await services.rooms.estimates.answer(request, work)

    @router.post("/api/v1/suited")
    async def suit(request: Request) -> dict[str, Any]:
        """The settings that suit a model. Raises BadFile with the reason where it cannot be used."""
        body = await bodies.read_known(request, {"model": ""})

        def work() -> dict[str, Any]:
            return suited(models.inspect(models.find(_text(body, "model"))))

        return await services.rooms.estimates.answer(request, work)

    @router.get("/api/v1/stats")
    async def stats(request: Request) -> dict[str, Any]:
        return await services.rooms.status.answer(request, lambda: _stats(services))

    return router


def _generators(services: Services) -> dict[str, Any]:
    found = [services.generator(name) for name in services.generator_names()]
    return {"generators": [{"name": g.name, "fields": fields.listed(g.request_type, g.name)} for g in found]}


def _stats(services: Services) -> dict[str, Any]:
    main = services.devices.main
    states = Counter({str(state): 0 for state in JobState})
    states.update(str(job.state) for job in services.jobs.list())
    return {
        "version": services.settings.version,
        "ready": services.warmed.is_set(),
        "uptime_seconds": round(time.time() - services.started, 1),
        "jobs": services.jobs.stats() | states,
        "worker": _plain(main.worker().stats),
        "models": services.devices.loaded(),
        "memory": main.memory,
        "graphs": main.graphs.describe() if main.graphs else None,
        "device": services.devices.describe() if "torch" in sys.modules else None,
        "memory_bytes": memory.resident_memory(),
    }


class _Json(JSONResponse):
    """JSON that is never kept by a cache, and in which half characters, as file names may have, become "?"."""

    def render(self, content: Any) -> bytes:
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")

    def init_headers(self, headers: Any = None) -> None:
        super().init_headers(headers)
        self.headers.setdefault("cache-control", "no-store")


def _text(body: dict[str, Any], name: str) -> str:
    return Text(100).check(name, body[name], str)


def _after(request: Request) -> int:
    """The number of the last event that the viewer has; a reconnecting browser says it in Last-Event-ID."""
    said = request.headers.get("last-event-id") or request.query_params.get("after") or "-1"
    if not re.fullmatch(r"-1|\d{1,15}", said, re.ASCII):
        raise BadRequest("after must be the number of an event; got {got!r}.", got=said[:40])
    return int(said)


def _job(job: Job, client: str) -> dict[str, Any]:
    return job.snapshot() | {"own": job.client == client}


def _copy(services: Services, image_id: str, kind: str, request: Request) -> Response:
    quality = int(QUALITY.check("quality", request.query_params.get("quality", 90), int))
    info = services.image_for(image_id, client_of(request))
    data = services.store.copy(info.id, kind, quality)
    return Response(data, media_type=copies.MEDIA_TYPES[kind], headers=FOR_EVER | _download(request, info, kind))


def _download(request: Request, info: ImageInfo, kind: str) -> dict[str, str]:
    """What names the file where `?name=` gives a pattern. Raises BadRequest."""
    pattern = request.query_params.get("name", "")
    if not pattern:
        return {}
    name = quote(f"{download_names.named(pattern, info)}.{kind}", safe="")
    return {"content-disposition": f"attachment; filename=\"{info.id}.{kind}\"; filename*=UTF-8''{name}"}


def _image(info: ImageInfo, client: str) -> dict[str, Any]:
    return {
        "id": info.id,
        "created": info.created,
        "width": info.width,
        "height": info.height,
        "unfinished": info.unfinished,
        "recipe": info.recipe,
        "own": info.belongs_to(client),
    }


def _plain(stats: object) -> dict[str, Any]:
    return {name: value for name, value in vars(stats).items() if isinstance(value, int | float)}


def _answer(
    request: Request, status: int, code: str, sentence: Sentence, headers: dict[str, str] | None = None
) -> Response:
    if request.url.path.startswith(openai_errors.PREFIX):
        status = openai_errors.status_of(status)
        return _Json(openai_errors.body(status, code, sentence), status, headers)
    return _Json({"error": {"code": code, **sentence.to_json()}}, status, headers)


async def _studio_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StudioError)
    retry = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    return _answer(request, error.status, error.code, error.sentence, retry)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(request, 404, "not_found", Sentence("There is nothing at this address."))
    if error.status_code == 405:
        sentence = Sentence("This address takes other methods.")
        return _answer(request, 405, "method_not_allowed", sentence, dict(error.headers or {}))
    phrase = HTTPStatus(error.status_code).phrase
    return _answer(request, error.status_code, "bad_request", Sentence("{phrase}.", phrase=phrase))


async def _bug(request: Request, error: Exception) -> Response:
    # Starlette raises the error again after this, so the server's log has its traceback.
    sentence = Sentence("Something went wrong inside the studio; its log says what. Please report it.")
    return _answer(request, 500, "bug", sentence)
