"""The library of models over HTTP: what is there, its previews and notes; load, unload, remove, bring back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from aigc_ui import bodies
from aigc_ui.room import client_of
from aigc_ui.services import Services
from aigc_ui.visitors import visitor_of
from pipelines import models
from pipelines.device.manager import name_of
from pipelines.diffusion.suited import suited
from pipelines.models.converting import sources
from pipelines.models.library.entry import Entry, base_name
from pipelines.models.library.usable import Called
from pipelines.params import Range, Text

PAGE = 60
MOST = Range(1, 500)


def router(services: Services) -> APIRouter:
    api = APIRouter(prefix="/api/v1/library")
    library, rooms = services.library, services.rooms

    def mine(request: Request) -> None:
        services.allow_changes(visitor_of(request))

    def listed(asked: Mapping[str, str], owner: bool) -> dict[str, Any]:
        entries = library.catalogue.entries()
        if owner:
            library.hasher.start()
        found = [e for e in entries if _matches(e, asked.get("search", ""), asked.get("architecture", ""))]
        shown = [e for e in found if asked.get("kind", "") in ("", e.found.kind)]
        start = int(Range(0, 1_000_000).check("offset", asked.get("offset", 0), int))
        page = shown[start : start + int(MOST.check("limit", asked.get("limit", PAGE), int))]
        names, called = sources.by_path(), Called()
        return {
            "entries": [_to_json(services, e, called) | {"convert_as": _to_convert(e, names)} for e in page],
            "total": len(shown),
            "kinds": _counted(e.found.kind for e in found),
            "architectures": _counted(e.found.architecture for e in entries),
            "bases": {name: base_name(name) for name in {e.found.architecture for e in entries}},
            "to_hash": len(library.hasher.left()),
            "notice": library.catalogue.notice if owner else "",
            "removed": library.catalogue.removed() if owner else [],
            "changes": owner,
        }

    @api.get("")
    async def page(request: Request) -> dict[str, Any]:
        owner = services.owns(visitor_of(request))
        return await rooms.library.answer(request, lambda: listed(request.query_params, owner))

    @api.post("/scan")
    async def scan(request: Request) -> dict[str, Any]:
        mine(request)
        return {"total": len(await rooms.scans.answer(request, library.catalogue.scan))}

    @api.get("/{entry_id}")
    async def one(entry_id: str, request: Request) -> dict[str, Any]:
        return await rooms.library.answer(
            request, lambda: _to_json(services, library.catalogue.get(entry_id), Called())
        )

    @api.get("/{entry_id}/settings")
    async def settings(entry_id: str, request: Request) -> dict[str, Any]:
        """What to ask for with this model. Raises BadFile with the reason where it cannot be used as it is."""

        def work() -> dict[str, Any]:
            entry = library.catalogue.get(entry_id)
            return {"model": Called().name(entry)} | suited(models.inspect(entry.path))

        return await rooms.estimates.answer(request, work)

    @api.get("/{entry_id}/preview")
    async def preview(entry_id: str, request: Request) -> Response:
        picture = await rooms.library.answer(request, lambda: library.catalogue.preview(entry_id))
        return Response(picture.data, media_type=picture.media_type, headers={"x-content-type-options": "nosniff"})

    @api.post("/{entry_id}/notes")
    async def note(entry_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        body = await bodies.read_known(request, {"notes": ""})
        text = str(Text(100_000).check("notes", body["notes"], str))

        def work() -> dict[str, Any]:
            library.catalogue.note(entry_id, text)
            return _to_json(services, library.catalogue.get(entry_id), Called())

        return await rooms.scans.run(client_of(request), work)

    @api.delete("/{entry_id}")
    async def remove(entry_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        confirmed = request.query_params.get("confirmed") == "true"

        def work() -> dict[str, Any]:
            services.devices.drop(_key_name(library.catalogue.get(entry_id), Called()))
            return {"removed": library.catalogue.remove(entry_id, confirmed)}

        return await rooms.scans.run(client_of(request), work)

    @api.post("/{entry_id}/restore")
    async def restore(entry_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        await rooms.scans.run(client_of(request), lambda: library.catalogue.restore(entry_id))
        return {"restored": entry_id}

    @api.post("/{entry_id}/load")
    async def load(entry_id: str, request: Request) -> dict[str, Any]:
        mine(request)
        return await rooms.loads.answer(request, lambda: _load(services, entry_id))

    @api.post("/{entry_id}/unload")
    async def unload(entry_id: str, request: Request) -> dict[str, Any]:
        mine(request)

        def work() -> dict[str, Any]:
            entry = library.catalogue.get(entry_id)
            called = Called()
            services.devices.drop(_key_name(entry, called))
            return _to_json(services, entry, called)

        return await rooms.library.answer(request, work)

    return api


def _load(services: Services, entry_id: str) -> dict[str, Any]:
    from pipelines.diffusion.leases import held

    entry = services.library.catalogue.get(entry_id)
    with held(models.inspect(entry.path), services.devices.main):
        return _to_json(services, entry, Called())


def _to_convert(entry: Entry, names: dict[Path, str]) -> str:
    """What a conversion calls a pickle; "" for what needs none."""
    return names.get(entry.path, "") if entry.format == "pickle" else ""


def _matches(entry: Entry, search: str, architecture: str) -> bool:
    words = f"{entry.name} {entry.found.title} {entry.found.author} {entry.place}".lower()
    return all(word in words for word in search.lower().split()[:20]) and architecture in (
        "",
        entry.found.architecture,
    )


def _to_json(services: Services, entry: Entry, called: Called) -> dict[str, Any]:
    here = [held for held in services.devices.loaded() if name_of(str(held["key"])) == _key_name(entry, called)]
    shown = services.library.catalogue.to_json(entry)
    return shown | {
        "in_memory": max((int(str(held["bytes"])) for held in here), default=0),
        "in_memory_of": ", ".join(str(held["device"]) for held in here),
        "usable_as": "" if entry.found.unusable else called.name(entry),
        "unusable": shown["unusable"] or called.fault(entry),
    }


def _key_name(entry: Entry, called: Called) -> str:
    """What the device manager calls it before the mark of its state."""
    return called.name(entry) or models.name_of(entry.path)


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))
