"""LoRA (arXiv:2106.09685): W x + scale * up(down x), the product held beside weights that stay as they are.

The model with LoRAs is a variant that shares every tensor of the base, so that two jobs with different ones share the
base and nothing else, and without them the base is what it was, bit for bit. What a file adds is a model of its own to
the device: counted, kept for the next picture, and dropped where room is needed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.device.placement import separate
from pipelines.diffusion.addons.lora_keys import Place, Places
from pipelines.diffusion.addons.lora_reading import Product, read
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.models import strangers
from pipelines.models.addons import files, loras
from pipelines.requests.loras import Wanted, all_loras
from pipelines.requests.text_to_image import TextToImageRequest

PARTS = ("unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3")
Weighted = tuple[Product, float]


class Products:
    """What one file adds to one model, for the device manager. Half that several modules share is there once."""

    def __init__(self, by_place: Mapping[Place, Product]) -> None:
        self.by_place = by_place

    @property
    def nbytes(self) -> int:
        each = {t.data_ptr(): t.nbytes for product in self.by_place.values() for t in (product.down, product.up)}
        return sum(each.values())

    def to(self, device: Any) -> Products:
        return self._changed(lambda tensor: tensor.to(device))

    def as_weights(self, dtype: Any) -> Products:
        """In that dtype, and in memory of its own: a file may change while its numbers are in use."""
        return self._changed(lambda tensor: tensor.to(dtype, copy=True))

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Products:
        made: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            if tensor.data_ptr() not in made:
                made[tensor.data_ptr()] = change(tensor)
            return made[tensor.data_ptr()]

        self.by_place = {place: Product(once(p.down), once(p.up)) for place, p in self.by_place.items()}
        return self


class Added:
    """A hook that adds products, each times its weight, to what a module answers."""

    def __init__(self, products: Sequence[Weighted]) -> None:
        self._products = tuple(products)

    def __call__(self, module: Any, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        for product, weight in self._products:
            answer = answer + product(module, given[0]) * weight
        return answer


@dataclass(frozen=True, eq=False)
class Loras(Attachment):
    """What several files add to a model, each times its weight, and a mark of which they are."""

    added: Mapping[Place, Sequence[Weighted]]
    mark: str
    notes: tuple[str, ...] = ()

    def adapted(self, model: Bundle) -> Bundle:
        if not self.added:
            return model
        changed = {part: _changed(model.part(part), part, self.added) for part in {part for part, _ in self.added}}
        return model.with_parts(changed, f"{model.key}+{self.mark}" if model.network_part in changed else model.key)


@contextmanager
def attached(request: TextToImageRequest, base: Bundle, devices: DeviceManager) -> Iterator[tuple[Loras, ...]]:
    """Those that the request and its prompt name. Raises as `leased`."""
    with leased(all_loras(request), base, devices) as together:
        yield (together,)


@contextmanager
def leased(wanted: Sequence[Wanted], bundle: Bundle, devices: DeviceManager) -> Iterator[Loras]:
    """LoRAs of those names for the model, each with its weight in the network and in the text encoders.

    A name that is not here is noted. Raises BadFile for a file that does not fit.
    """
    with ExitStack() as held:
        added: defaultdict[Place, list[Weighted]] = defaultdict(list)
        used, notes = [], []
        for name, weight, text_weight in wanted:
            path, note = loras.find(name)
            notes += [note] if note else []
            if path is None:
                continue
            for place, product in held.enter_context(_products(path, bundle, devices)).by_place.items():
                scale = weight if place[0] == bundle.network_part else text_weight
                if scale:
                    added[place].append((product, float(scale)))
            if weight:
                used.append((files.identity(path), float(weight)))
        yield Loras(added, hashlib.sha256(repr(used).encode()).hexdigest()[:16], tuple(notes))


@contextmanager
def _products(path: Path, bundle: Bundle, devices: DeviceManager) -> Iterator[Products]:
    """On the device; where that is full and has memory of its own, in main memory, from where each visits it."""

    def load() -> Products:
        parts = {name: part for name in PARTS if (part := bundle.part(name)) is not None}
        return Products(read(path, Places(parts, bundle.network_part, bundle.info.architecture))).as_weights(
            bundle.dtype
        )

    identity = f"{files.identity(path)} {models.identity(bundle.info)}"
    key = f"LoRA {path.stem}@{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    nbytes = strangers.numbers_in(path) * bundle.dtype.itemsize
    if separate(bundle.device) and not devices.has_room(key, nbytes):
        yield load()
        return
    with devices.lease(key, load) as products:
        yield products


def _changed(module: Any, part: str, added: Mapping[Place, Sequence[Weighted]]) -> Any:
    copy = sharing(module)
    for (whose, path), products in added.items():
        if whose == part:
            copy.get_submodule(path).register_forward_hook(Added(products))
    return copy
