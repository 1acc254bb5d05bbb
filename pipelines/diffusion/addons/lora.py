"""LoRA (arXiv:2106.09685) and its kin: W x + weight * (W' x - W x), held beside weights that stay as they are.

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

import torch
from torch import Tensor

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.device.placement import separate
from pipelines.diffusion.addons.lora_keys import Place, Places
from pipelines.diffusion.addons.lora_reading import read
from pipelines.diffusion.addons.lora_size import numbers
from pipelines.diffusion.addons.lora_terms import Term
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.attachment import Attachment
from pipelines.diffusion.bundle import Bundle
from pipelines.models.addons import files, loras
from pipelines.requests.loras import Wanted, all_loras
from pipelines.requests.text_to_image import TextToImageRequest

PARTS = ("unet", "transformer", "text_encoder", "text_encoder_2", "text_encoder_3")
Weighted = tuple[Term, float]


class Terms:
    """What one file adds to one model, for the device manager, and notes of what was left of it. A tensor that several
    modules share is there once."""

    def __init__(self, by_place: Mapping[Place, Term], notes: tuple[str, ...]) -> None:
        self.by_place, self.notes = by_place, notes

    @property
    def nbytes(self) -> int:
        return sum({t.data_ptr(): t.nbytes for term in self.by_place.values() for t in term.tensors()}.values())

    def to(self, device: Any) -> Terms:
        return self._changed(lambda tensor: tensor.to(device))

    def as_weights(self, dtype: Any) -> Terms:
        """In that dtype, and in memory of its own: a file may change while its numbers are in use."""
        return self._changed(lambda t: t.to(dtype, copy=True) if t.is_floating_point() else t)

    def _changed(self, change: Callable[[Tensor], Tensor]) -> Terms:
        made: dict[tuple[int, torch.Size], Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            key = tensor.data_ptr(), tensor.shape
            if key not in made:
                made[key] = change(tensor)
            return made[key]

        self.by_place = {place: term.changed(once) for place, term in self.by_place.items()}
        return self


class Added:
    """A hook that adds terms, each times its weight, to what a module answers. Each is told the module's own answer."""

    def __init__(self, terms: Sequence[Weighted]) -> None:
        self._terms = tuple(terms)

    def __call__(self, module: Any, given: tuple[Tensor, ...], answer: Tensor) -> Tensor:
        changed = answer
        for term, weight in self._terms:
            changed = changed + term(module, given[0], answer) * weight
        return changed


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
            terms = held.enter_context(_terms(path, bundle, devices))
            notes += terms.notes
            for place, term in terms.by_place.items():
                scale = weight if place[0] == bundle.network_part else text_weight
                if scale:
                    added[place].append((term, float(scale)))
            if weight:
                used.append((files.identity(path), float(weight)))
        yield Loras(added, hashlib.sha256(repr(used).encode()).hexdigest()[:16], tuple(dict.fromkeys(notes)))


@contextmanager
def _terms(path: Path, bundle: Bundle, devices: DeviceManager) -> Iterator[Terms]:
    """On the device; where that is full and has memory of its own, in main memory, from where each visits it."""

    def load() -> Terms:
        parts = {name: part for name in PARTS if (part := bundle.part(name)) is not None}
        places = Places(parts, bundle.network_part, bundle.info.architecture)
        return Terms(*read(path, places)).as_weights(bundle.dtype)

    identity = f"{files.identity(path)} {models.identity(bundle.info)}"
    key = f"LoRA {path.stem}@{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
    nbytes = numbers(path) * bundle.dtype.itemsize
    if separate(bundle.device) and not devices.has_room(key, nbytes):
        yield load()
        return
    with devices.lease(key, load) as terms:
        yield terms


def _changed(module: Any, part: str, added: Mapping[Place, Sequence[Weighted]]) -> Any:
    copy = sharing(module)
    for (whose, path), terms in added.items():
        if whose == part:
            copy.get_submodule(path).register_forward_hook(Added(terms))
    return copy
