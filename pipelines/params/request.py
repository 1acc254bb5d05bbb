"""A request: all inputs of one generation, checked, with the pictures that it names."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import BadRequest, NotFound
from pipelines.params.fields import Field, fields_of, replaced, value_at
from pipelines.params.specs import Picture, described, exact, listed


@dataclass(frozen=True)
class Request:
    """All inputs of one generation and nothing else. Subclass it with `param` fields, and with `part`s of them.

    Inside, a field of a part is an attribute of that part: `request.hires.scale`. Outside (JSON, forms, recipes, the
    command line) every field has one flat name: "hires_scale"; `fields`, `parse`, `values` and `of` speak these.

    `pictures` is no field of that kind: the pixels, uint8 (H, W, 3), of the pictures whose ids the fields hold, by the
    field's name. They are attached right before the generator runs and never stored.
    """

    pictures: Mapping[str, NDArray[np.uint8]] = dataclasses.field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )

    repeats_parent: ClassVar[bool] = False
    """Whether it makes its parent again, and so needs all of it, whatever is still in memory."""
    parent_kind: ClassVar[str] = "branch"
    """What its pictures are to its parent, as a recipe names it (pipelines/store/parents.py)."""
    shows_parent: ClassVar[bool] = False
    """Whether it needs its parent's pixels."""

    @classmethod
    def fields(cls) -> tuple[Field, ...]:
        return tuple(_fields(cls).values())

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        return {field.name: field.default for field in cls.fields()}

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """A checked request from loose values (JSON, form fields, a recipe). Raises BadRequest."""
        known = _fields(cls)
        for name in values:
            if name not in known:
                raise BadRequest(
                    "unknown field {name}; known are {known}.", name=described(name), known=listed(tuple(known))
                )
        checked: dict[str, Any] = {n: known[n].spec.check(n, value, known[n].kind) for n, value in values.items()}
        request = cls.of(**checked)
        request.check()
        return request

    @classmethod
    def of(cls, **values: Any) -> Self:
        """From values by field name, unchecked."""
        return cls().changed(**values)

    def changed(self, **values: Any) -> Self:
        """The same request with other values, by field name, unchecked."""
        fields = _fields(type(self))
        return replaced(self, {fields[name].place: value for name, value in values.items()}) if values else self

    def check(self) -> None:
        """Rules that span several fields; override to add them, those of one part belong to it. Raises BadRequest."""
        for f in dataclasses.fields(self):
            if "part" in f.metadata:
                getattr(self, f.name).check()
            for unit in getattr(self, f.name) if "units" in f.metadata else ():
                unit.check()

    def resolved(self) -> Self:
        """The same request with everything drawn that it leaves to chance; override it where something is."""
        return self

    def saved_pixels(self) -> int:
        """About how many pixels its pictures have together; 0 where nobody can tell."""
        return 0

    def values(self) -> dict[str, Any]:
        return {field.name: value_at(self, field.place) for field in self.fields()}

    def json_values(self) -> dict[str, Any]:
        """The values as JSON that every program reads exactly; `parse` takes them back."""
        return {name: exact(value) for name, value in self.values().items()}

    def value(self, name: str) -> Any:
        """That of one field, by its name."""
        return value_at(self, _fields(type(self))[name].place)

    def picture_ids(self) -> dict[str, str]:
        """The id of each picture that this request names, by its field."""
        named = ((f.name, value_at(self, f.place)) for f in self.fields() if isinstance(f.spec, Picture))
        return {name: picture_id for name, picture_id in named if picture_id}

    def with_pictures(self, load: Callable[[str], NDArray[np.uint8]]) -> Self:
        """The same request with the pixels that `load` finds for its ids. Raises what `load` raises."""
        return dataclasses.replace(self, pictures={name: load(i) for name, i in self.picture_ids().items()})

    def source_id(self) -> str:
        """The id of a saved picture whose recipe goes on in its own, "" for none; override it and `with_recipe` where
        there is one."""
        return ""

    def with_recipe(self, recipe: Mapping[str, Any]) -> Self:
        """The same request with the recipe of that picture."""
        raise NotImplementedError

    def parent_id(self) -> str:
        """The id of the saved picture that it branches from, "" for none; override it, `parent_request` and
        `with_parent` where there is one."""
        return ""

    def parent_request(self, recipe: Mapping[str, Any]) -> "Request":
        """What painted the picture of that recipe. Raises BadRequest where this request cannot branch from it."""
        raise NotImplementedError

    def needs_all_of(self, parent: "Request") -> bool:
        """Whether the steps of its parent that are still in memory are not enough, and all of it has to be made."""
        return self.repeats_parent

    def with_parent(self, parent: Any) -> Self:
        """The same request with what is known of that picture's steps."""
        raise NotImplementedError

    def latents_id(self) -> str:
        """The id of kept latents that it finishes, "" for none; override it and `with_latents` where there are some."""
        return ""

    def with_latents(self, kept: Any, pictures: Mapping[str, NDArray[np.uint8]]) -> Self:
        """The same request with those latents, and the pixels of the pictures that they need, by field."""
        raise NotImplementedError

    def picture(self, name: str) -> NDArray[np.uint8] | None:
        """The pixels for a Picture field, None where it is empty. Raises NotFound where nobody attached them."""
        if not self.value(name):
            return None
        if name not in self.pictures:
            raise NotFound(
                "the picture that {name} names was not handed over. Send the picture itself again.", name=name
            )
        return self.pictures[name]


@functools.cache
def _fields(cls: type[Request]) -> dict[str, Field]:
    """By name, in their order."""
    return {field.name: field for field in fields_of(cls)}
