"""A1111's "extras" and the small calls of its plug-ins: enlarging, lists of ControlNet's extension, refreshing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui import bodies, sdapi_control
from aigc_ui.sdapi_jobs import JobFailed, encoded, finished, submit_all
from aigc_ui.sdapi_pictures import decoded
from aigc_ui.services import Services
from aigc_ui.visitors import Visitor, visitor_of
from pipelines.engine.job import Job
from pipelines.errors import BadRequest, NotFound
from pipelines.models.addons import files
from pipelines.params import Range, described
from pipelines.params.fields import Unit
from pipelines.requests.limits import FACTORS, OWN_UPSCALER
from pipelines.requests.text_to_image import GENERATOR as PAINTER
from pipelines.store import foreign, infotext, recipe

GENERATOR = "upscale"
MOST_PICTURES = 16
_IDLE = ("gfpgan_visibility", "codeformer_visibility", "extras_upscaler_2_visibility")
REFRESHING = ("checkpoints", "vae", "loras", "embeddings")


def router(services: Services) -> APIRouter:
    router = APIRouter(prefix="/sdapi/v1")

    @router.post("/extra-single-image")
    async def single(request: Request) -> dict[str, Any]:
        body = await bodies.read(request)
        [image] = await _enlarged(services, request, body, [body.get("image")])
        return {"html_info": _said(body), "image": image}

    @router.post("/extra-batch-images")
    async def batch(request: Request) -> dict[str, Any]:
        body = await bodies.read(request)
        given = body.get("imageList")
        if not isinstance(given, list) or not 1 <= len(given) <= MOST_PICTURES:
            raise BadRequest(
                "imageList must be 1 to {most} pictures; got {got}.", most=MOST_PICTURES, got=described(given)
            )
        pictures = [one.get("data") if isinstance(one, Mapping) else one for one in given]
        return {"html_info": _said(body), "images": await _enlarged(services, request, body, pictures)}

    @router.post("/interrogate")
    async def interrogate() -> None:
        raise NotFound("this studio has no model that describes pictures, so there is nothing to interrogate.")

    for name in REFRESHING:
        router.add_api_route(f"/refresh-{name}", _refresh, methods=["POST"])

    @router.post("/unload-checkpoint")
    async def unload(request: Request) -> None:
        await services.rooms.lists.answer(request, services.devices.drop_idle)

    @router.post("/reload-checkpoint")
    async def reload() -> None:
        """Nothing to do: a model comes back with the first picture that wants it."""

    return router


def control_router(services: Services) -> APIRouter:
    """What ControlNet's extension answers beside A1111's own interface."""
    router = APIRouter(prefix="/controlnet")

    @router.get("/model_list")
    async def models(request: Request) -> dict[str, Any]:
        return await services.rooms.lists.answer(request, _control_models)

    @router.get("/module_list")
    async def modules() -> dict[str, Any]:
        return {"module_list": list(sdapi_control.MODULES), "module_detail": {}}

    @router.get("/version")
    async def version() -> dict[str, Any]:
        return {"version": 2}

    @router.get("/settings")
    async def settings() -> dict[str, Any]:
        return {"control_net_max_models_num": Unit.MOST, "control_net_unit_count": Unit.MOST}

    return router


def _control_models() -> dict[str, Any]:
    return {"model_list": [*files.installed(files.CONTROL), *files.installed(files.IP_ADAPTER)]}


async def _refresh() -> None:
    """Nothing to do: the folders are looked at anew each time."""


async def _enlarged(services: Services, request: Request, body: Mapping[str, Any], pictures: list[Any]) -> list[str]:
    """Each picture, in base64, made larger by a job of its own, and back in base64."""
    visitor = visitor_of(request)
    jobs = await services.rooms.pictures.run(visitor.client, lambda: _submitted(services, body, pictures, visitor))
    await finished(services, jobs, visitor.client, request)
    return await services.rooms.programs.answer(request, lambda: [_picture(services, job) for job in jobs])


def _submitted(services: Services, body: Mapping[str, Any], pictures: list[Any], visitor: Visitor) -> list[Job]:
    wanted = {"factor": _factor(body), "upscaler": _upscaler(body)}
    parse, requests = services.generator(GENERATOR).request_type.parse, []
    for data in (decoded("image", picture) for picture in pictures):
        enlarging = parse({"image": services.inputs.add(data).id, **wanted})
        requests.append(enlarging.with_recipe(_recipe(services, data)))
    return submit_all(services, GENERATOR, requests, visitor)


def _recipe(services: Services, data: bytes) -> dict[str, Any]:
    """How a picture that a program sends was made, as far as its file says so; {} where it does not."""
    reader = services.inputs.reader
    made = foreign.read(data, services.generator(PAINTER).request_type, reader.texts, reader.hidden_texts)
    return recipe.new(PAINTER, {**made.unsaid, **made.settings}) if made.settings else {}


def _factor(body: Mapping[str, Any]) -> str:
    if body.get("resize_mode", 0) not in (0, None):
        raise BadRequest("resize_mode must be 0, to enlarge by a factor. Set upscaling_resize to 2 or 4.")
    for name in _IDLE:
        if body.get(name):
            raise BadRequest("{name} must be 0: this studio mends no faces and mixes no two upscalers.", name=name)
    times = Range(1, 8).check("upscaling_resize", body.get("upscaling_resize", 2), float)
    names = {factor: name for name, factor in FACTORS.items()}
    if times not in names:
        raise BadRequest("upscaling_resize must be 2 or 4; got {got}.", got=described(times))
    return names[int(times)]


def _said(body: Mapping[str, Any]) -> str:
    return f"enlarged by {infotext.OWN_UPSCALER_LABEL}" if _upscaler(body) == OWN_UPSCALER else ""


def _upscaler(body: Mapping[str, Any]) -> str:
    """Our own where none is named. Raises BadRequest for one that is not here."""
    name = body.get("upscaler_1")
    if name in (None, "", "None"):
        return OWN_UPSCALER
    known = {infotext.OWN_UPSCALER_LABEL.casefold(): OWN_UPSCALER, OWN_UPSCALER: OWN_UPSCALER}
    known |= {other.casefold(): other for other in files.installed(files.UPSCALER)}
    if not isinstance(name, str) or name.casefold() not in known:
        raise BadRequest(
            "upscaler_1 must be one of {names}; got {got}.",
            names=", ".join([infotext.OWN_UPSCALER_LABEL, *files.installed(files.UPSCALER)])[:200],
            got=described(name),
        )
    return known[name.casefold()]


def _picture(services: Services, job: Job) -> str:
    if not job.image_ids:
        raise JobFailed.of(job.error) if job.error else NotFound("the job was stopped before there was a picture.")
    return encoded(services.store.handed_out(job.image_ids[0]))
