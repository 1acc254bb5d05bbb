"""The lab's experiments over HTTP: what may be asked, and answers as JSON with pictures as PNG data URIs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from aigc_ui import bodies, fields, lab_film
from aigc_ui.plain import NOT_KEPT, json_bytes, plain
from aigc_ui.room import client_of
from aigc_ui.services import Services
from pipelines import lab, libs, stopping
from pipelines.families import own
from pipelines.store import film

LESSONS = Path(__file__).parents[1] / "assets" / "lessons" / "lessons.json"


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/lab")
    rooms = services.rooms

    @made.get("")
    async def experiments(request: Request) -> dict[str, Any]:
        return await rooms.lists.answer(request, _listed)

    @made.get("/families")
    async def families(request: Request) -> dict[str, Any]:
        """Which trained models are here, by data set, what they scored, and what the classes are called."""
        return await rooms.lists.answer(request, _families)

    @made.get("/own-models")
    async def own_models(request: Request) -> dict[str, Any]:
        """The families' models of one's own, and those among the models that cannot be read, each with its reason."""
        return await rooms.lists.answer(request, own.listing)

    @made.get("/lessons")
    def lessons() -> dict[str, Any]:
        return {"lessons": json.loads(LESSONS.read_text(encoding="utf-8"))}

    @made.post("/film.{kind}")
    async def moving_picture(kind: str, request: Request) -> Response:
        asked = await bodies.read_known(request, lab_film.DEFAULTS)
        pixels = services.inputs.reader.pixels
        data = await rooms.films.answer(request, lambda: lab_film.make(kind, asked, pixels))
        return Response(data, media_type=film.MEDIA_TYPES[kind], headers=NOT_KEPT)

    @made.post("/{name}")
    async def answer(name: str, request: Request) -> Response:
        values = await bodies.read(request)

        def work() -> bytes:
            return json_bytes(answer_of(services, name, values, client_of(request)))  # here, not on the event loop

        data = await rooms.experiments.answer(request, work)
        return Response(data, media_type="application/json", headers=NOT_KEPT)

    return made


def answer_of(services: Services, name: str, values: Mapping[str, Any], client: str) -> dict[str, Any]:
    """What the experiment of that name answers to loose values, its pictures as data URIs. Raises StudioError.

    While it computes, the client takes turns on the device with those whose jobs run.
    """
    experiment = lab.get(name)
    asked = experiment.request_type.parse(values).with_pictures(services.inputs.load)
    devices = services.devices.main
    with devices.turns.of(client) as turn, stopping.pausing(lambda: turn.wait(stopping.wanted)):
        answer = experiment.answer(asked, devices)
    return {key: plain(value) for key, value in answer.items()}


def _listed() -> dict[str, Any]:
    return {
        "experiments": [{"name": name, "fields": fields.listed(lab.request_type(name), name)} for name in lab.names()]
    }


def _families() -> dict[str, Any]:
    libs.torch()  # before the modules that import it at their top: through the one locked door
    from pipelines.families import shelf

    return shelf.described()
