"""`POST /api/v1/metadata`: a picture's bytes, or a copied text, in; how it was made out, as far as it can be applied.

{"tool": "ComfyUI", "settings": {"prompt": "a fox", "seed": 42},
 "unknown": [{"name": "width", "value": "9000", "why": "width must be 64 to 8192; got 9000."}]}
"""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui.services import Services
from pipelines.errors import BadRequest
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store import foreign

MOST_TEXT = 1 << 20  # bytes


def router(services: Services) -> APIRouter:
    api = APIRouter(prefix="/api/v1/metadata")

    @api.post("")
    async def read(request: Request) -> dict[str, Any]:
        is_text = request.headers.get("content-type", "").startswith("text/plain")
        return await services.rooms.metadata.with_body(request, lambda data: _read(services, data, is_text))

    return api


def _read(services: Services, data: bytes, is_text: bool) -> dict[str, Any]:
    request_type = services.generator(GENERATOR).request_type
    if not is_text:
        reader = services.inputs.reader
        return asdict(foreign.read(data, request_type, reader.texts, reader.hidden_texts))
    if len(data) > MOST_TEXT:
        raise BadRequest(
            "the text has {number} bytes; settings have at most {most}. Paste less.", number=len(data), most=MOST_TEXT
        )
    return asdict(foreign.read_text(data.decode("utf-8", "replace"), request_type))
