"""The prompt while it is being written, over HTTP: how many tokens it has, what is wrong with it, which of its words
the model does not know, and which it does."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request, Response

from aigc_ui import bodies
from aigc_ui.services import Services
from pipelines import models
from pipelines.diffusion.counter import CountRequest, count
from pipelines.errors import NotFound
from pipelines.prompts import vocabulary
from pipelines.requests.wording import WordingRequest, unheard_words

FOR_EVER = {"cache-control": "private, max-age=31536000, immutable"}


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/prompt")

    @made.post("/tokens")
    async def tokens(request: Request) -> dict[str, Any]:
        values = await bodies.read(request)
        return asdict(await services.rooms.prompts.answer(request, lambda: count(CountRequest.parse(values))))

    @made.post("/words")
    async def words(request: Request) -> dict[str, Any]:
        values = await bodies.read(request)
        return await services.rooms.words.answer(request, lambda: unheard_words(WordingRequest.parse(values)))

    @made.get("/vocabulary")
    async def known(request: Request, model: str = "aigc-mini") -> dict[str, Any]:
        """All that a model knows, or null for one that knows no closed number of words."""

        def work() -> dict[str, Any]:
            found = vocabulary.of_model(models.find(model))
            return {"vocabulary": found and found.to_json()}

        return await services.rooms.words.answer(request, work)

    @made.get("/pictures")
    async def pictures(request: Request, model: str = "aigc-mini") -> Response:
        """The sheet of small pictures of a vocabulary's words; `v`, its digest, lets a browser keep it for ever."""
        found = await services.rooms.words.answer(request, lambda: vocabulary.pictures(models.find(model)))
        if found is None:
            raise NotFound("the model {name!r} has no pictures of its words.", name=model[:40])
        return Response(found[0], media_type=found[1], headers=FOR_EVER)

    return made
