"""Folders of other programs in the gallery, over HTTP: which are named, more, and their pictures; for the owner alone.

GET /api/v1/gallery/folders -> {"folders": [{"path", "kept", "pictures", "damaged", "left", "problem"}], "changes"}

POST /api/v1/gallery/folders {"path"} names one, /remove {"path"} takes it out of the gallery; both answer with the
list. Nothing is ever written into these folders.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aigc_ui import bodies
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines.params import Text
from pipelines.requests.text_to_image import GENERATOR

PATH = Text(4000)
KEPT = {"cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}


def router(services: Services) -> APIRouter:
    api = APIRouter(prefix="/api/v1/gallery/folders")
    folders, room = services.store.folders, services.rooms.gallery

    def listed() -> dict[str, Any]:
        states = [asdict(one) | {"problem": one.problem and one.problem.to_json()} for one in folders.states()]
        return {"folders": states, "changes": True}

    async def changed(request: Request, change: Callable[[str], None]) -> dict[str, Any]:
        services.allow_folders(visitor := visitor_of(request))
        path = str(PATH.check("path", (await bodies.read_known(request, {"path": ""}))["path"], str))

        def work() -> dict[str, Any]:
            change(path)
            return listed()

        return await room.run(visitor.client, work)

    @api.get("")
    async def all_of_them(request: Request) -> dict[str, Any]:
        if not services.owns(visitor_of(request)):
            return {"folders": [], "changes": False}
        return await room.answer(request, listed)

    @api.post("")
    async def add(request: Request) -> dict[str, Any]:
        return await changed(request, folders.add)

    @api.post("/remove")
    async def remove(request: Request) -> dict[str, Any]:
        return await changed(request, folders.remove)

    return api


async def picture(services: Services, image_id: str, request: Request) -> Response:
    """The file as it lies there. Raises NotAllowed, NotFound, BadFile."""
    services.allow_folders(visitor_of(request))
    data, kind = await services.rooms.copies.answer(request, lambda: services.store.folders.read(image_id))
    return Response(data, media_type=kind, headers=KEPT)


async def meta(services: Services, image_id: str, request: Request) -> dict[str, Any]:
    """What the file says of how it was made. Raises NotAllowed, NotFound, BadFile."""
    services.allow_folders(visitor_of(request))
    request_type = services.generator(GENERATOR).request_type

    def work() -> dict[str, Any]:
        return {"id": image_id, "recipe": services.store.folders.recipe(image_id, request_type)}

    return await services.rooms.metadata.answer(request, work)
