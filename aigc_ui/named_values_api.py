"""Values under a name over HTTP: settings of pictures, searches of the gallery; in a shared studio each person's own.

GET /api/v1/presets -> {"presets": [{"name": "soft", "values": {"guidance_scale": 2}}]}
GET /api/v1/gallery/searches -> {"searches": [{"name": "zoo", "values": {"text": "panda", "facets": {"stars": ["5"]}}}]}

POST to the same address {"name", "values"} keeps one, /rename {"name", "to"} and /delete {"name"} change the list; each
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
from pipelines.store.gallery.searches import searches
from pipelines.store.named_values import NamedValues, Values
from pipelines.store.presets import presets

NAME = Text(1000)


def router(services: Services) -> APIRouter:
    outputs, request_type = services.settings.outputs, services.generator(GENERATOR).request_type
    api = APIRouter(prefix="/api/v1")
    api.include_router(_router(services, "/presets", presets(outputs / "presets", request_type)))
    api.include_router(_router(services, "/gallery/searches", searches(outputs / "searches")))
    return api


def _router(services: Services, prefix: str, named: NamedValues) -> APIRouter:
    """The list is told under the last word of the prefix."""
    api, word = APIRouter(prefix=prefix), prefix.rpartition("/")[2]

    async def answer(request: Request, work: Callable[[str | None], dict[str, Values]]) -> dict[str, Any]:
        client = client_of(request)
        kept = await services.rooms.gallery.run(client, lambda: work(services.only_owner(client)))
        return {word: [{"name": name, "values": values} for name, values in kept.items()]}

    @api.get("")
    async def listed(request: Request) -> dict[str, Any]:
        return await answer(request, named.all)

    @api.post("")
    async def save(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": "", "values": {}})
        name, values = _name(body, "name"), bodies.mapping(body["values"], "values")
        return await answer(request, lambda owner: named.save(owner, name, values))

    @api.post("/rename")
    async def rename(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": "", "to": ""})
        name, to = _name(body, "name"), _name(body, "to")
        return await answer(request, lambda owner: named.rename(owner, name, to))

    @api.post("/delete")
    async def delete(request: Request) -> dict[str, Any]:
        body = await bodies.read_known(request, {"name": ""})
        name = _name(body, "name")
        return await answer(request, lambda owner: named.delete(owner, name))

    return api


def _name(body: dict[str, Any], field: str) -> str:
    return NAME.check(field, body[field], str)
