"""OpenAI's `/v1/images` and `/v1/models`, for the programs that speak it. Open with `--api` only.

The same queue, store and rules as the page's: a request becomes a job, the answer waits for it, and a connection that
is lost loses no picture. What this studio cannot do is refused, never passed over.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from aigc_ui import bodies, openai_fields
from aigc_ui.openai_errors import UnknownModel
from aigc_ui.openai_fields import FORMATS, Wanted
from aigc_ui.plain import NOT_KEPT, json_bytes
from aigc_ui.sdapi_fields import names_of
from aigc_ui.sdapi_jobs import JobFailed, encoded, finished, submit_all
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.engine.job import Job
from pipelines.errors import BadRequest, NotFound
from pipelines.requests.text_to_image import GENERATOR

MOST_FILES, MOST_FIELDS, LONGEST_FIELD = 4, 32, 2**16
PICTURES = ("image", "image[]")
"""Names of the picture that an edit starts from; clients that can send several write the second."""


def closed() -> APIRouter:
    """What stands there without `--api`: a sentence that says how to open it."""
    router = APIRouter(prefix="/v1")

    @router.api_route("/{rest:path}", methods=["GET", "POST"])
    def shut(rest: str) -> None:
        raise NotFound("this studio was started without the interface of OpenAI. Start it with --api.")

    return router


def router(services: Services) -> APIRouter:
    router = APIRouter(prefix="/v1")
    router.include_router(_images(services))
    router.include_router(_models(services))
    return router


def _images(services: Services) -> APIRouter:
    router, rooms = APIRouter(prefix="/images"), services.rooms
    first = services.settings.first_model

    @router.post("/generations")
    async def generations(request: Request) -> Response:
        body, kind = await bodies.read(request), services.generator(GENERATOR).request_type
        wanted = await rooms.pictures.run(_client(request), lambda: openai_fields.made(body, kind, first))
        return await _made(services, request, wanted)

    @router.post("/edits")
    async def edits(request: Request) -> Response:
        content, kind = request.headers.get("content-type", ""), services.generator(GENERATOR).request_type
        fields, files = await rooms.parsing.with_body(request, lambda raw: _form(content, raw))
        picture, mask = _picture(files), files.get("mask", [None])[0]

        def work() -> Wanted:
            return openai_fields.edited(fields, picture, mask, kind, first, services.inputs)

        return await _made(services, request, await rooms.pictures.run(_client(request), work))

    @router.post("/variations")
    async def variations() -> None:
        raise NotFound("this studio makes no variations: no model here looks at a picture alone. Use /v1/images/edits.")

    return router


def _models(services: Services) -> APIRouter:
    router = APIRouter(prefix="/models")

    def names() -> tuple[str, ...]:
        return names_of(services.generator(GENERATOR).request_type, "model")

    def described(name: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": int(services.started), "owned_by": "aigc-studio"}

    @router.get("")
    async def listed(request: Request) -> dict[str, Any]:
        here = await services.rooms.lists.answer(request, names)
        return {"object": "list", "data": [described(name) for name in here]}

    @router.get("/{name:path}")
    async def one(name: str, request: Request) -> dict[str, Any]:
        if name not in await services.rooms.lists.answer(request, names):
            raise UnknownModel("{name} {got!r} is not here. See /v1/models.", name="model", got=name[:60])
        return described(name)

    return router


def _form(content: str, raw: bytes) -> tuple[dict[str, str], dict[str, list[bytes]]]:
    """The fields and the files of a body of several parts. Raises BadRequest."""
    if not content.startswith("multipart/form-data") or "boundary=" not in content:
        raise BadRequest("the body must be multipart/form-data with the picture as a file in image.")
    try:
        form = asyncio.run(_parsed(content, raw))
    except (MultiPartException, UnicodeDecodeError):
        raise BadRequest(
            "the body must be whole multipart/form-data of at most {files} files and {fields} fields.",
            files=MOST_FILES,
            fields=MOST_FIELDS,
        ) from None
    fields: dict[str, str] = {}
    files: dict[str, list[bytes]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            files.setdefault(name, []).append(value.file.read())
            value.file.close()
        else:
            fields[name] = value
    return fields, files


async def _parsed(content: str, raw: bytes) -> FormData:
    async def stream() -> AsyncIterator[bytes]:
        yield raw
        yield b""

    limits = {"max_files": MOST_FILES, "max_fields": MOST_FIELDS, "max_part_size": LONGEST_FIELD}
    return await MultiPartParser(Headers({"content-type": content}), stream(), **limits).parse()  # type: ignore[arg-type]


def _picture(files: dict[str, list[bytes]]) -> bytes:
    for name in files:
        if name not in (*PICTURES, "mask"):
            raise BadRequest("{name} must be a field, not a file; files are image and mask.", name=name[:40])
    pictures = [data for name in PICTURES for data in files.get(name, [])]
    if len(pictures) != 1 or len(files.get("mask", [])) > 1:
        raise BadRequest("{name} must be one picture; got {got}.", name="image", got=len(pictures))
    return pictures[0]


async def _made(services: Services, request: Request, wanted: Wanted) -> Response:
    if wanted.by_address and services.settings.shared:
        raise BadRequest(
            "{name} must be b64_json in a shared studio: whoever opens an address there is somebody else.",
            name="response_format",
        )
    visitor, rooms = visitor_of(request), services.rooms
    kind = services.generator(GENERATOR).request_type
    asked = await rooms.submitting.run(visitor.client, lambda: kind.parse(wanted.values))
    wanted = replace(wanted, size=f"{asked.value('width')}x{asked.value('height')}")  # the prompt may ask for another
    jobs = await rooms.submitting.run(visitor.client, lambda: submit_all(services, GENERATOR, [asked], visitor))
    await finished(services, jobs, visitor.client, request)
    base = str(request.base_url)
    data = await rooms.programs.answer(request, lambda: json_bytes(_answer(services, jobs[0], wanted, base)))
    return Response(data, media_type="application/json", headers=NOT_KEPT)


def _answer(services: Services, job: Job, wanted: Wanted, base: str) -> dict[str, Any]:
    """OpenAI's answer; each picture's `id` and `seed` are ours."""
    if not job.image_ids:
        raise JobFailed.of(job.error) if job.error else NotFound("the job was stopped before there was a picture.")
    return {
        "created": int(time.time()),
        "background": "opaque",
        "output_format": wanted.output_format,
        "size": wanted.size,
        "quality": wanted.quality,
        "data": [_one(services, image_id, wanted, base) for image_id in job.image_ids],
    }


def _one(services: Services, image_id: str, wanted: Wanted, base: str) -> dict[str, Any]:
    ending = FORMATS[wanted.output_format]
    about = {"id": image_id, "seed": services.store.recipe(image_id).get("request", {}).get("seed")}
    if wanted.by_address:
        quality = "" if ending == "png" else f"?quality={wanted.compression}"
        return about | {"url": f"{base}api/v1/images/{image_id}.{ending}{quality}"}
    if ending == "png":
        return about | {"b64_json": encoded(services.store.handed_out(image_id))}
    return about | {"b64_json": encoded(services.store.copy(image_id, ending, wanted.compression))}


def _client(request: Request) -> str:
    return visitor_of(request).client
