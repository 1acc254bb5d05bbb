"""Who descends from whom, read off a picture's recipe, which may be a stranger's, and kept in the picture index.

A picture answers to its id, to the digest of its pixels, and to its basis: the settings that it shares with its
variations and second passes, which so find it without having been told. A recipe names a parent by one or two of them.
"""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from pipelines.requests.text_to_image import GENERATOR, TextToImageRequest
from pipelines.store import parents, pictures, pixels
from pipelines.store.pictures import ImageInfo

MOST_PARENTS = 128
_DEFAULTS = TextToImageRequest.defaults()
_BESIDES = re.compile(r"variation_|hires_|upscale|count$")
"""Fields in which a picture may differ from the one that it varies, repaints or enlarges."""
_DIGEST = re.compile(f"[0-9a-f]{{{pixels.LENGTH}}}")
_INPUT = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Parent:
    """`ref` and, where it is not found by that, `also` are what it answers to; `shown` is the id of a kept input with
    its pixels, "" for none."""

    kind: str
    ref: str
    also: str = ""
    shown: str = ""


def create(db: sqlite3.Connection) -> None:
    db.execute("create table names (ref text not null, id text not null)")
    db.execute("create index names_by_ref on names (ref, id)")
    db.execute("create index names_by_id on names (id)")
    db.execute(
        "create table parents (child text not null, kind text not null, ref text not null, also text not null,"
        " shown text not null)"
    )
    for column in ("child", "ref", "also"):
        db.execute(f"create index parents_by_{column} on parents ({column})")
    db.execute(
        "create trigger kin_gone after delete on images begin delete from names where id = old.id;"
        " delete from parents where child = old.id; end"
    )


def put(db: sqlite3.Connection, info: ImageInfo) -> None:
    db.execute("delete from names where id = ?", (info.id,))
    db.execute("delete from parents where child = ?", (info.id,))
    db.executemany("insert into names values (?, ?)", [(ref, info.id) for ref in names_of(info)])
    rows = [(info.id, one.kind, one.ref, one.also, one.shown) for one in parents_of(info)]
    db.executemany("insert into parents values (?, ?, ?, ?, ?)", rows)


def with_pixels(db: sqlite3.Connection, digest: str) -> str:
    """The id of the oldest picture with these pixels; "" for none."""
    (found,) = db.execute("select min(id) from names where ref = ?", (f"pixels:{digest}",)).fetchone()
    return found or ""


def of_id(image_id: str) -> str:
    return f"id:{image_id}"


def names_of(info: ImageInfo) -> list[str]:
    """What a picture answers to, its id left out."""
    request = _request(info)
    plain = info.recipe.get("generator") == GENERATOR and not _derived(info, request)
    of_pixels = [f"pixels:{info.digest}"] if _DIGEST.fullmatch(info.digest) else []
    return of_pixels + ([_basis(request)] if plain and "seed" in request else [])


def parents_of(info: ImageInfo) -> list[Parent]:
    """Each once."""
    return list(dict.fromkeys(_parents(info)))[:MOST_PARENTS]


def _parents(info: ImageInfo) -> Iterator[Parent]:
    request, listed = _request(info), info.recipe.get("parents")
    known = [one for one in listed[:MOST_PARENTS] if isinstance(one, dict)] if isinstance(listed, list) else []
    named = [parent for one in known if (parent := _named(one))]
    yield from named
    kinds = {parent.kind for parent in named}
    if enlarged := _enlarged(info):
        if parents.UPSCALE not in kinds and enlarged == 1 and not _varied(request):
            yield Parent(parents.UPSCALE, _basis(request))
        return  # what else the recipe says is of the picture that was enlarged
    if info.recipe.get("generator") == "grid":
        yield from _cells(info.recipe.get("pictures"))
        return
    if _is_id(branch := request.get("branch_from")) and parents.BRANCH not in kinds:
        yield Parent(parents.BRANCH, of_id(branch))
    for name in ("image", *(n for n in _DEFAULTS if n.startswith(("control", "ip")) and n.endswith("_image"))):
        kind, shown = parents.kind_of(name, request), request.get(name)
        if kind not in kinds and isinstance(shown, str) and _INPUT.fullmatch(shown):
            yield Parent(kind, f"input:{shown}", "", shown)
    if kind := _varied(request):
        yield Parent(kind, _basis(request))


def _named(said: Mapping[str, Any]) -> Parent | None:
    kind, given = said.get("kind"), said.get("input")
    shown = given if isinstance(given, str) and _INPUT.fullmatch(given) else ""
    refs = [of_id(said["id"])] if _is_id(said.get("id")) else []
    refs += [f"pixels:{d}"] if isinstance(d := said.get("digest"), str) and _DIGEST.fullmatch(d) else []
    if kind not in parents.KINDS or not refs:
        return None
    return Parent(kind, refs[0], refs[1] if len(refs) > 1 else "", shown)


def _cells(ids: object) -> Iterator[Parent]:
    for one in ids[:MOST_PARENTS] if isinstance(ids, list) else ():
        if _is_id(one):
            yield Parent(parents.SHEET, of_id(one))


def _request(info: ImageInfo) -> dict[str, Any]:
    request = info.recipe.get("request")
    return request if isinstance(request, dict) else {}


def _enlarged(info: ImageInfo) -> int:
    """How often the finished picture was enlarged."""
    steps = info.recipe.get("enlarged")
    return len(steps) if isinstance(steps, list) else 0


def _derived(info: ImageInfo, request: Mapping[str, Any]) -> bool:
    return bool(_enlarged(info) or _varied(request))


def _varied(request: Mapping[str, Any]) -> str:
    """The kind of step that led from the picture with the same basis to this one; "" for none."""
    if _above(request.get("variation_strength"), 0):
        return parents.VARIATION
    return parents.PASS if _above(request.get("hires_scale"), 1) else ""


def _above(value: object, least: float) -> bool:
    return isinstance(value, int | float) and value > least


def _basis(request: Mapping[str, Any]) -> str:
    said = {n: v for n, v in request.items() if n in _DEFAULTS and not _BESIDES.match(n) and not _same(v, _DEFAULTS[n])}
    written = json.dumps(said, sort_keys=True, default=str)
    return "basis:" + hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()[: pixels.LENGTH]


def _same(value: object, default: object) -> bool:
    return tuple(value) == default if isinstance(value, list) else value == default


def _is_id(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and pictures.created(value) is not None
