"""The lab's experiments over HTTP: what may be asked, and answers as JSON with pictures as PNG data URIs."""

import json
import threading
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aigc_ui import bodies, fields, lab_film
from aigc_ui.plain import plain
from aigc_ui.services import Services
from pipelines import film, lab, libs
from pipelines.families import own

LESSONS = Path(__file__).parents[1] / "assets" / "lessons" / "lessons.json"
AT_ONCE = 2
"""Experiments that compute at the same time; more would only take the cores from one another."""


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/lab")
    room = threading.BoundedSemaphore(AT_ONCE)
    filming = threading.Lock()  # one film at a time: a long one takes hundreds of megabytes

    @made.get("")
    def experiments() -> dict[str, Any]:
        return {
            "experiments": [{"name": name, "fields": fields.listed(lab.get(name).request_type)} for name in lab.names()]
        }

    @made.get("/families")
    def families() -> dict[str, Any]:
        """Which trained models are here, by data set, what they scored, and what the classes are called."""
        libs.torch()  # before the modules that import it at their top: through the one locked door
        from pipelines.families import shelf

        return shelf.described()

    @made.get("/own-models")
    def own_models() -> dict[str, Any]:
        """The families' models of one's own, and those among the models that cannot be read, each with its reason."""
        return own.listing()

    @made.get("/lessons")
    def lessons() -> dict[str, Any]:
        return {"lessons": json.loads(LESSONS.read_text(encoding="utf-8"))}

    @made.post("/film.{kind}")
    async def moving_picture(kind: str, request: Request) -> Response:
        asked = await bodies.read_known(request, lab_film.DEFAULTS)

        def work() -> bytes:
            with filming:
                return lab_film.make(kind, asked, services.inputs.reader.pixels)

        data = await run_in_threadpool(work)
        return Response(data, media_type=film.MEDIA_TYPES[kind], headers={"cache-control": "no-store"})

    @made.post("/{name}")
    async def answer(name: str, request: Request) -> dict[str, Any]:
        values = await bodies.read(request)

        def work() -> dict[str, Any]:
            experiment = lab.get(name)
            asked = experiment.request_type.parse(values).with_pictures(services.inputs.load)
            with room:
                answered = experiment.answer(asked, services.devices)
            return {key: plain(value) for key, value in answered.items()}

        return await run_in_threadpool(work)

    return made
