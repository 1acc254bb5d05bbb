"""Add-ons over HTTP: which are installed, and what a ControlNet sees of a picture."""

import io
from typing import Any

from fastapi import APIRouter, Request, Response
from PIL import Image

from aigc_ui import bodies
from aigc_ui.plain import NOT_KEPT
from aigc_ui.services import Services
from pipelines.diffusion.addons.control_picture import hint
from pipelines.models.addons import files
from pipelines.requests.control import ControlNet
from pipelines.requests.others import SeenRequest

KINDS = {
    "loras": files.LORA,
    "embeddings": files.EMBEDDING,
    "controls": files.CONTROL,
    "ip_adapters": files.IP_ADAPTER,
    "image_encoders": files.IMAGE_ENCODER,
    "upscalers": files.UPSCALER,
}


def router(services: Services) -> APIRouter:
    made = APIRouter(prefix="/api/v1/addons")

    @made.get("")
    async def installed(request: Request) -> dict[str, Any]:
        return await services.rooms.lists.answer(request, _installed)

    @made.post("/seen.png")
    async def seen(request: Request) -> Response:
        values = await bodies.read(request)
        data = await services.rooms.pictures.answer(request, lambda: _seen(services, SeenRequest.parse(values)))
        return Response(data, media_type="image/png", headers=NOT_KEPT)

    return made


def _installed() -> dict[str, Any]:
    return {name: list(files.installed(kind)) for name, kind in KINDS.items()}


def _seen(services: Services, asked: SeenRequest) -> bytes:
    png = io.BytesIO()
    picture = services.inputs.load(asked.control_image)
    unit = ControlNet(type=asked.control_type, low=asked.control_low, high=asked.control_high)
    Image.fromarray(hint(unit, picture, asked.width, asked.height)).save(png, "PNG")
    return png.getvalue()
