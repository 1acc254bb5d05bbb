"""The gallery over HTTP: pictures found by words and facets, small copies, marks, the bin.

GET /api/v1/gallery?text=red panda&model=mini&stars=4&stars=5&offset=0&limit=100

{"total": 2, "offset": 0, "pictures": [{"id": ..., "stars": 4, ...}], "facets": {"model": {"mini": 2}, ...}}

In a shared studio one finds, marks and deletes only one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aigc_ui import bodies
from aigc_ui.plain import NOT_KEPT, json_bytes
from aigc_ui.room import client_of
from aigc_ui.services import Services
from aigc_ui.visitors import Visitor, visitor_of
from pipelines.errors import BadRequest, StudioError
from pipelines.params import Flag, Range, Text
from pipelines.store.folders.folders import refuse_change
from pipelines.store.folders.rows import is_of_others
from pipelines.store.gallery import marks
from pipelines.store.gallery.columns import FACETS
from pipelines.store.gallery.family import Family
from pipelines.store.gallery.gallery import Change, Question, Shown
from pipelines.store.gallery.rows import FOLDERS
from pipelines.store.gallery.searches import MOST_VALUES, TEXT
from pipelines.store.gallery.thumbnails import MEDIA_TYPE
from pipelines.store.pictures import ImageInfo, owner_tag

T = TypeVar("T")

LIMIT, OFFSET = Range(1, 500), Range(0, 10_000_000)
STARS = Range(0, marks.MOST_STARS)
VALUE, PLACE, ID, TAG = Text(200), Text(4000), Text(40), Text(marks.LONGEST_TAG)
MOST_IDS = 1000
MOST_BINNED = 200
KEPT = {"cache-control": "private, max-age=86400", "x-content-type-options": "nosniff"}
"""Not for ever: a file may be replaced behind our back."""


def router(services: Services) -> APIRouter:
    api = APIRouter(prefix="/api/v1/gallery")
    rooms, store = services.rooms, services.store

    def _look(image_id: str, visitor: Visitor) -> None:
        if is_of_others(image_id):
            services.allow_folders(visitor)
            store.folders.find(image_id)
        else:
            services.image_for(image_id, visitor.client)
        store.folders.look_at(image_id)

    @api.get("")
    async def found(request: Request) -> Response:
        visitor = visitor_of(request)
        asked = _question(request, services.only_owner(visitor.client))
        tag = owner_tag(visitor.client)

        def work() -> bytes:
            question = replace(asked, folders=services.folders_shown(visitor))
            if question.like:
                _look(question.like, visitor)
            answer = store.gallery.ask(question)
            shown = [_to_json(one, tag) for one in answer.shown]
            found = {"total": answer.total, "offset": question.offset, "pictures": shown, "facets": answer.facets}
            return json_bytes(found | {"unseen": answer.unseen})

        return _json(await rooms.gallery.answer(request, work))

    @api.get("/{image_id}/thumbnail")
    async def thumbnail(image_id: str, request: Request) -> Response:
        visitor = visitor_of(request)

        def work() -> bytes:
            if is_of_others(image_id):
                services.allow_folders(visitor)
                return store.folders.thumbnail(image_id)
            return store.thumbnails.get(services.image_for(image_id, visitor.client).id)

        return _thumbnail(await rooms.thumbnails.answer(request, work))

    @api.get("/{image_id}/family")
    async def family(image_id: str, request: Request) -> Response:
        """Those that a picture descends from and all that descend from them; one that is gone says what is known."""
        client = client_of(request)

        def work() -> bytes:
            found = store.family(services.image_for(image_id, client).id, services.only_owner(client))
            return json_bytes(_family(found, owner_tag(client)))

        return _json(await rooms.gallery.answer(request, work))

    @api.post("/marks")
    async def mark(request: Request) -> dict[str, Any]:
        """What is left out or null stays as it is."""
        defaults = {"ids": [], "favourite": None, "stars": None, "add_tags": [], "remove_tags": []}
        body, visitor = await bodies.read_known(request, defaults), visitor_of(request)
        change, ids = _change(body), _ids(body)

        def one(image_id: str) -> str:
            services.allow_folders(visitor)
            store.folders.mark(image_id, change.of)
            return image_id

        def work() -> dict[str, Any]:
            own = [image_id for image_id in ids if not is_of_others(image_id)]
            infos, refused = _each(own, lambda image_id: services.image_for(image_id, visitor.client))
            store.gallery.mark(infos, change)
            others, refused_too = _each((image_id for image_id in ids if is_of_others(image_id)), one)
            return {"marked": [*(info.id for info in infos), *others], "refused": refused + refused_too}

        return await rooms.gallery.run(visitor.client, work)

    @api.post("/delete")
    async def delete(request: Request) -> dict[str, Any]:
        """Into the bin."""

        def put(image_id: str, client: str) -> None:
            refuse_change(image_id)
            store.bin.put(services.image_for(image_id, client).id)
            store.thumbnails.forget(image_id)

        return await _to_each(services, request, "deleted", put)

    api.include_router(_bin(services))
    return api


def _bin(services: Services) -> APIRouter:
    api = APIRouter(prefix="/bin")
    room, store = services.rooms.gallery, services.store

    @api.get("")
    async def binned(request: Request) -> Response:
        client = client_of(request)

        def work() -> bytes:
            infos = store.bin.newest(MOST_BINNED, services.only_owner(client))
            return json_bytes({"pictures": [_binned(info) for info in infos]})

        return _json(await room.answer(request, work))

    @api.get("/{image_id}/thumbnail")
    async def thumbnail(image_id: str, request: Request) -> Response:
        client = client_of(request)

        def work() -> bytes:
            return store.bin.thumbnails.get(services.binned_for(image_id, client).id)

        return _thumbnail(await services.rooms.thumbnails.answer(request, work))

    @api.post("/restore")
    async def restore(request: Request) -> dict[str, Any]:
        def back(image_id: str, client: str) -> None:
            store.bin.restore(services.binned_for(image_id, client).id)

        return await _to_each(services, request, "restored", back)

    @api.post("/destroy")
    async def destroy(request: Request) -> dict[str, Any]:
        """For good: only what lies in the bin."""

        def gone(image_id: str, client: str) -> None:
            store.bin.destroy(services.binned_for(image_id, client).id)

        return await _to_each(services, request, "destroyed", gone)

    return api


def _question(request: Request, owner: str | None) -> Question:
    """Raises BadRequest."""
    asked = request.query_params
    known = {"text", "like", "offset", "limit", *FACETS}
    for name in asked:
        if name not in known:
            raise BadRequest(
                "unknown field {name!r}; known are {known}.", name=name[:40], known=", ".join(sorted(known))
            )
    return Question(
        TEXT.check("text", asked.get("text", ""), str),
        {name: _texts(name, asked.getlist(name), PLACE if name == "folder" else VALUE) for name in FACETS},
        owner,
        ID.check("like", asked.get("like", ""), str),
        (),
        int(OFFSET.check("offset", asked.get("offset", 0), int)),
        int(LIMIT.check("limit", asked.get("limit", 100), int)),
    )


def _change(body: dict[str, Any]) -> Change:
    favourite, stars = body["favourite"], body["stars"]
    return Change(
        None if favourite is None else Flag().check("favourite", favourite, bool),
        None if stars is None else int(STARS.check("stars", stars, int)),
        _texts("add_tags", body["add_tags"], TAG),
        _texts("remove_tags", body["remove_tags"], TAG),
    )


def _ids(body: dict[str, Any]) -> tuple[str, ...]:
    return _texts("ids", body["ids"], ID, MOST_IDS)


def _texts(name: str, values: object, text: Text, most: int = MOST_VALUES) -> tuple[str, ...]:
    """A list of so many texts at most. Raises BadRequest."""
    if not isinstance(values, list) or len(values) > most:
        raise BadRequest("{name} must be a list of at most {most} texts.", name=name, most=most)
    return tuple(dict.fromkeys(text.check(name, value, str) for value in values))


async def _to_each(
    services: Services, request: Request, done_to: str, act: Callable[[str, str], None]
) -> dict[str, Any]:
    """Do it to each id of the body, for the client that asks; which it was done to, and which were refused."""
    body, client = await bodies.read_known(request, {"ids": []}), client_of(request)
    ids = _ids(body)

    def one(image_id: str) -> str:
        act(image_id, client)
        return image_id

    def work() -> dict[str, Any]:
        done, refused = _each(ids, one)
        return {done_to: done, "refused": refused}

    return await services.rooms.gallery.run(client, work)


def _each(ids: Iterable[str], act: Callable[[str], T]) -> tuple[list[T], list[dict[str, Any]]]:
    """What was done to each, and which were refused and why: one that is gone does not keep the others."""
    done: list[T] = []
    refused: list[dict[str, Any]] = []
    for image_id in ids:
        try:
            done.append(act(image_id))
        except StudioError as error:
            refused.append({"id": image_id, "error": error.to_json()})
    return done, refused


def _to_json(one: Shown, tag: str) -> dict[str, Any]:
    values = asdict(one)
    owner = values.pop("owner")
    return values | {"own": owner == tag, "foreign": owner == FOLDERS}


def _family(found: Family, tag: str) -> dict[str, Any]:
    nodes = [
        {"key": node.key, "picture": node.picture and _to_json(node.picture, tag), "shown": node.shown}
        for node in found.nodes
    ]
    return {"nodes": nodes, "edges": [asdict(edge) for edge in found.edges], "cut": found.cut}


def _binned(info: ImageInfo) -> dict[str, Any]:
    return {"id": info.id, "width": info.width, "height": info.height, "created": info.created}


def _thumbnail(data: bytes) -> Response:
    return Response(data, media_type=MEDIA_TYPE, headers=KEPT)


def _json(data: bytes) -> Response:
    return Response(data, media_type="application/json", headers=NOT_KEPT)
