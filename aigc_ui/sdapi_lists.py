"""What programs that speak A1111's interface ask for as they connect: the names of all that they can choose from."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request

from aigc_ui.sdapi_fields import names_of
from aigc_ui.services import Services
from pipelines.device.memory import free_memory, total_memory
from pipelines.errors import NotFound
from pipelines.models import vaes
from pipelines.models.addons import files
from pipelines.params import Request as Values
from pipelines.prompts import library
from pipelines.requests.text_to_image import GENERATOR
from pipelines.store import infotext
from pipelines.theory.sigmas import SIGMA_SCHEDULE_LABELS

OWN_UPSCALERS = {"None": 1, "Lanczos": 4, infotext.OWN_UPSCALER_LABEL: 4}
# What is asked for by clients as they connect, and is truly empty here.
EMPTY: dict[str, Any] = {
    "hypernetworks": [],
    "face-restorers": [],
    "scripts": {"txt2img": [], "img2img": []},
    "script-info": [],
    "cmd-flags": {"api": True},
    "realesrgan-models": [],
}


def router(services: Services) -> APIRouter:
    """Names only: no client is told a path."""
    router = APIRouter()

    def listed(path: str) -> Callable[[Callable[[], Any]], None]:
        """Answers GET with what the function gives, in the room for lists: most look on the disk."""

        def register(work: Callable[[], Any]) -> None:
            async def answer(request: Request) -> Any:
                return await services.rooms.lists.answer(request, work)

            router.add_api_route(path, answer, methods=["GET"])

        return register

    @listed("/samplers")
    def samplers() -> list[dict[str, Any]]:
        names = names_of(request_type(services), "sampler")
        return [{"name": infotext.SAMPLER_LABELS.get(n, n), "aliases": [n], "options": {}} for n in names]

    @listed("/schedulers")
    def schedulers() -> list[dict[str, Any]]:
        names = names_of(request_type(services), "sigma_schedule")
        labels = {name: SIGMA_SCHEDULE_LABELS.get(name, name) for name in names}
        more = {"aliases": None, "default_rho": -1.0, "need_inner_model": False}
        return [{"name": name, "label": label, **more} for name, label in ({"automatic": "Automatic"} | labels).items()]

    @listed("/sd-models")
    def sd_models() -> list[dict[str, Any]]:
        names = names_of(request_type(services), "model")
        more = {"hash": None, "sha256": None, "config": None}
        return [{"title": name, "model_name": name, "filename": name, **more} for name in names]

    @listed("/sd-vae")
    def sd_vae() -> list[dict[str, Any]]:
        names = (name for name in names_of(request_type(services), "vae") if name != vaes.AUTOMATIC)
        return [{"model_name": name, "filename": name} for name in names]

    @listed("/loras")
    def loras() -> list[dict[str, Any]]:
        names = files.installed(files.LORA)
        return [{"name": name, "alias": name, "path": name, "metadata": {}} for name in names]

    @listed("/embeddings")
    def embeddings() -> dict[str, Any]:
        unsaid = dict.fromkeys(("step", "sd_checkpoint", "sd_checkpoint_name", "shape", "vectors"))
        return {"loaded": {name: unsaid for name in files.installed(files.EMBEDDING)}, "skipped": {}}

    @listed("/upscalers")
    def upscalers() -> list[dict[str, Any]]:
        more = {"model_name": None, "model_path": None, "model_url": None}
        scales = OWN_UPSCALERS | dict.fromkeys(files.installed(files.UPSCALER), 4)
        return [{"name": name, **more, "scale": scale} for name, scale in scales.items()]

    @listed("/latent-upscale-modes")
    def latent_upscale_modes() -> list[dict[str, Any]]:
        return [{"name": "Latent"}]

    @listed("/prompt-styles")
    def prompt_styles() -> list[dict[str, Any]]:
        return [{"name": name} | asdict(style) for name, style in library.styles().items()]

    @listed("/memory")
    def memory() -> dict[str, Any]:
        free, total = free_memory(), total_memory()
        ram = {"free": free, "used": total - free, "total": total}
        return {"ram": ram, "cuda": _cuda(services)}

    @router.get("/{name}")
    def empty(name: str) -> Any:
        if name not in EMPTY:
            raise NotFound("this studio has no /sdapi/v1/{name}. Its own interface is at /api/v1.", name=name[:40])
        return EMPTY[name]

    return router


def request_type(services: Services) -> type[Values]:
    """Of the one generator that this interface speaks to."""
    return services.generator(GENERATOR).request_type


def _cuda(services: Services) -> dict[str, Any]:
    if not services.warmed.is_set() or not services.devices.main.device.startswith("cuda"):
        return {"error": "unavailable"}
    about = services.devices.describe()
    free, total = int(str(about["memory_free"])), int(str(about["memory_total"]))
    return {"system": {"free": free, "used": total - free, "total": total}}
