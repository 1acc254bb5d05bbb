"""Settings under a name over HTTP; in a shared studio everybody has their own.

GET /api/v1/presets -> {"presets": [{"name": "soft", "values": {"guidance_scale": 2}}]}

POST /api/v1/presets {"name", "values"} keeps one, /rename {"name", "to"} and /delete {"name"} change the list; each
answers with the list as it is then.
"""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui import bodies
from aigc_ui.room import client_of
from aigc_ui.services import Services
from pipelines.params import Text
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store.presets import Presets, Values

NAME = Text(1000)


def router(services: Services) -> APIRouter:
    api = APIRouter(prefix="/api/v1/presets")
    presets = Presets(services.settings.outputs / "presets", services.generator(GENERATOR).request_type)

    async def answer(request: Request, work: Callable[[str | None], dict[str, Values]]) -> dict[str, Any]:
        client = client_of(request)
        kept = await services.rooms.gallery.run(client, lambda: work(services.only_owner(client)))
        return {"presets": [{"name": name, "values": values} for name, values in kept.items()]}

    @api.get("")
    async def listed(request: Request) -> dict[str, Any]:
        return await answer(request, presets.all)

    @api.post("")
    async def save(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": "", "values": {}})
        name, values = _name(body, "name"), bodies.mapping(body["values"], "values")
        return await answer(request, lambda owner: presets.save(owner, name, values))

    @api.post("/rename")
    async def rename(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": "", "to": ""})
        name, to = _name(body, "name"), _name(body, "to")
        return await answer(request, lambda owner: presets.rename(owner, name, to))

    @api.post("/delete")
    async def delete(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": ""})
        name = _name(body, "name")
        return await answer(request, lambda owner: presets.delete(owner, name))

    return api


def _name(body: dict[str, Any], field: str) -> str:
    return NAME.check(field, body[field], str)
