"""A LoRA's file to what it adds, by the modules of one model. What fits is taken, and what was left is said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from pipelines.diffusion.addons import lora_keys
from pipelines.diffusion.addons.lora_base import check_base
from pipelines.diffusion.addons.lora_dora import decomposed
from pipelines.diffusion.addons.lora_keys import DORA, DOWN, MAGNITUDE, SCALE, UP, Place, Places
from pipelines.diffusion.addons.lora_kinds import Built, Roles, built
from pipelines.diffusion.addons.lora_terms import Misfit, Term, Whole, norms
from pipelines.errors import BadFile, Sentence
from pipelines.models.addons import files

LEAST = 0.5
"""The share of a file's modules that must fit: with fewer it belongs to another model."""
NAMED = 3
"""How many of the names that were left are said."""


@dataclass
class Reading:
    """What a file adds by module, the keys that were left, and what became of the modules that it names."""

    by_place: dict[Place, Term] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    fitted: int = 0
    lacking: list[str] = field(default_factory=list)
    misfits: list[BadFile] = field(default_factory=list)
    halves: list[BadFile] = field(default_factory=list)

    def refusal(self, path: Path, tensors: Mapping[str, Tensor]) -> BadFile | None:
        """Why nothing, or too little to be of use, can be taken; None where enough fits."""
        others = len(self.lacking) + len(self.misfits) + len(self.halves)
        if self.fitted and self.fitted >= LEAST * (self.fitted + others):
            return None
        if len(self.lacking) > len(self.misfits):
            return BadFile(
                "{file} changes {number} of {all} modules that this model lacks ({first}, ...): it was made for "
                "another. Choose another LoRA or model.",
                file=path.name[:60],
                number=len(self.lacking),
                all=self.fitted + others,
                first=self.lacking[0][:60],
            )
        if errors := self.misfits + self.halves:
            return errors[0]
        return BadFile(
            "{file} is no LoRA: it holds {held}. Put it where its kind belongs.",
            file=path.name[:60],
            held=next(iter(tensors), "nothing")[:80],
        )

    def notes(self, path: Path, number: int) -> tuple[Sentence, ...]:
        """What to say of the keys that were left, of so many in the file."""
        if not self.left:
            return ()
        named = ", ".join(_short(name) for name in self.left[:NAMED])
        note = Sentence(
            "{file}: {left} of {all} tensors fit nothing in this model and were left out ({first}).",
            file=path.name[:60],
            left=len(self.left),
            all=number,
            first=named + (", ..." if len(self.left) > NAMED else ""),
        )
        return (note,)


def _short(name: str) -> str:
    return name if len(name) <= 60 else f"...{name[-57:]}"


def read(path: Path, places: Places) -> tuple[dict[Place, Term], tuple[Sentence, ...]]:
    """What a file adds by where it goes, and what to say of it.

    Raises BadFile for a file that is no LoRA, is damaged, or was made for another model.
    """
    tensors = files.tensors(path)
    check_base(path, places)
    alphas, reading = _alphas(path), Reading()
    reading.left += [key for key in tensors if lora_keys.split(key) is None]
    for name, keys in lora_keys.by_module(tensors).items():
        roles = {role: tensors[key].float() for role, key in keys.items()}
        try:
            used = _take(name, roles, places, alphas, reading)
        except Misfit:
            reading.misfits.append(_misfit(path, name, roles, places))
            used = frozenset[str]()
        if lone := {DOWN, UP} - roles.keys() if not used and {DOWN, UP} & roles.keys() else set[str]():
            reading.halves += [_half(path, name, role) for role in lone]
        reading.left += [key for role, key in keys.items() if role not in used]
    if refusal := reading.refusal(path, tensors):
        raise refusal
    return reading.by_place, reading.notes(path, len(tensors))


def _take(name: str, roles: Roles, places: Places, alphas: Mapping[str, float], reading: Reading) -> frozenset[str]:
    """Adds what one module of the file says, and gives the roles that were used. Raises Misfit."""
    part = places.part_of(name)[0]
    whole = built(roles, lambda rank: alphas.get(part, rank) / rank) or _replacement(roles)
    if whole is None:
        return frozenset()
    try:
        rows = places.rows(name, whole.term.count)
    except RuntimeError:
        raise Misfit from None
    if not whole.replaces and not rows:
        reading.lacking.append(name)
    if not rows or rows.keys() & reading.by_place.keys():
        return frozenset()
    pieces = {place: _piece(whole, places.modules[place], index) for place, index in rows.items()}
    for role in (DORA, MAGNITUDE):
        if role in whole.roles:
            magnitude = roles[role] if role == DORA else roles[role].flatten()
            pieces = decomposed(pieces, magnitude, {place: (places.modules[place], rows[place]) for place in rows})
    reading.by_place |= pieces
    reading.fitted += not whole.replaces
    return whole.roles


def _piece(whole: Built, module: Any, index: Tensor | None) -> Term:
    term = whole.term if index is None else whole.term.rows(index)
    if whole.replaces:
        if not isinstance(module, norms()) or module.weight is None:
            raise Misfit
        term = term.shaped(module)
        own = module.weight.detach().cpu().float()
        return term.changed(lambda given: given - own)
    return term.shaped(module)


def _replacement(roles: Roles) -> Built | None:
    """A norm's whole new weight, as FLUX's own LoRAs have it: `norm_k.weight` of diffusers, `key_norm.scale` of BFL."""
    for role in ("weight", SCALE):
        if role in roles and roles[role].dim() == 1:
            return Built(Whole(roles[role]), frozenset({role}), replaces=True)
    return None


def _half(path: Path, name: str, missing: str) -> BadFile:
    return BadFile(
        "{file} lacks the {missing} half of {name}. Get the file again.",
        file=path.name[:60],
        missing=missing,
        name=name[:80],
    )


def _misfit(path: Path, name: str, roles: Roles, places: Places) -> BadFile:
    """What the file has where, and what the model has there."""
    weights = [tuple(places.modules[place].weight.shape) for place in places.rows(name, None)]
    return BadFile(
        "{file} does not fit this model: at {place} it has {given} where {weight} is. Choose another LoRA or model.",
        file=path.name[:60],
        place=name[-70:],
        given=" x ".join(str(tuple(tensor.shape)) for tensor in roles.values() if tensor.numel() > 1)[:60],
        weight=" + ".join(map(str, weights))[:60],
    )


def _alphas(path: Path) -> dict[str, float]:
    """Alpha of each part, as diffusers writes it into the header. Raises BadFile for settings that change more."""
    text = files.metadata(path).get("lora_adapter_metadata", "{}")
    try:
        settings = json.loads(text)
        for name, value in settings.items():
            if value and name.rpartition(".")[2] in ("alpha_pattern", "use_rslora"):
                raise BadFile(
                    "{file} sets {name}, which is not supported. Choose another LoRA.",
                    file=path.name[:60],
                    name=name[:60],
                )
        said = {name.rpartition("."): value for name, value in settings.items()}
        return {part: float(value) for (part, _, name), value in said.items() if name == "lora_alpha"}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise BadFile(
            "{file} has settings in its header that are damaged. Get the file again.", file=path.name[:60]
        ) from None
