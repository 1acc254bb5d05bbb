"""The page's own scripts, as files that a browser keeps: one hash over all of them stands in their address.

A page names only its own hash, so an old copy is never taken for a new one. Scripts import each other by relative
names, inside the folder of that hash.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from aigc_ui import groups, words
from pipelines.params import exact
from pipelines.requests.text_to_image import TextToImageRequest

STATIC = Path(__file__).parent / "static"
CARDS = Path(__file__).parents[1] / "assets" / "cards"
ROUTE = "/studio/{digest}/{name}"
ENTRY = "main.js"
KINDS = {".js": "text/javascript; charset=utf-8", ".webp": "image/webp"}
MOST_LINKS = 2000  # characters
KEPT = "private, max-age=31536000, immutable"  # private: an answer may carry a visitor's cookie


@dataclass(frozen=True)
class PageFiles:
    """Every file by its name, and the digest of them all."""

    files: dict[str, bytes]

    @cached_property
    def digest(self) -> str:
        every = hashlib.sha256()
        for name in sorted(self.files):
            every.update(f"{name} {len(self.files[name])} ".encode() + self.files[name])
        return every.hexdigest()[:16]

    def address(self, name: str) -> str:
        """Relative to the page, wherever a proxy has put it."""
        return f"studio/{self.digest}/{name}"


@cache
def files() -> PageFiles:
    """The scripts of `static/`, the tables of words, of a picture's fields and of its cards as three more of them, of
    sentences one for each language, and the cards' pictures."""
    read = {path.name: path.read_bytes() for path in STATIC.iterdir() if path.suffix in KINDS}
    sentences = {f"sentences_{language}.js": _script(table) for language, table in words.sentences().items()}
    tables = {"words_table.js": _script(words.table()), "fields_table.js": _script(_fields())}
    tables["cards_table.js"] = _script(json.loads((CARDS / "cards.json").read_text(encoding="utf-8")))
    return PageFiles(read | sentences | tables | {"cards.webp": (CARDS / "cards.webp").read_bytes()})


def _fields() -> dict[str, Any]:
    """Of each field of a picture its default, what it needs to matter, the name that its words go by, and its group."""
    group = {name: group for group, names in groups.fields_of_groups().items() for name in names}
    return {
        f.name: {"default": exact(f.default), "needs": f.needs, "declared": f.declared, "group": group.get(f.name, "")}
        for f in TextToImageRequest.fields()
    }


def _script(table: object) -> bytes:
    return f"export default {json.dumps(table, ensure_ascii=False, separators=(',', ':'))};\n".encode()


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(files().files[name], mtime=0)


def entry() -> str:
    """JavaScript for a promise of what `main.js` exports."""
    return f"import(new URL('{files().address(ENTRY)}', document.baseURI))"


@cache
def preload() -> str:
    """A Link header for the page: what it needs at first is fetched at once, not one after the other names it.

    The nearest to the entry, as many as proxies take: nginx holds all headers in one page of memory, 4 KB, and answers
    502 beyond.
    """
    mine, links = files(), []
    for name in needed(mine.files, ENTRY):
        links.append(f'<{mine.address(name)}>; rel="modulepreload"')
        if len(", ".join(links)) > MOST_LINKS:
            return ", ".join(links[:-1])
    return ", ".join(links)


def needed(scripts: Mapping[str, bytes], name: str) -> list[str]:
    """A script and all that it imports, without what it only fetches later."""
    found = [name]
    for one in found:  # grows meanwhile
        found += [other for other in imports(scripts[one]) if other not in found]
    return found


def imports(script: bytes) -> list[str]:
    """The names of the scripts beside this one that it imports before it runs."""
    return re.findall(r'^(?:import|export) .*"\./(\w+\.js)";$', script.decode(), re.MULTILINE)


async def answer(request: Request) -> Response:
    """One of the files under the hash of now; nothing else has an address here."""
    mine, name = files(), request.path_params["name"]
    if request.path_params["digest"] != mine.digest or name not in mine.files:
        return Response("There is nothing at this address.", 404, {"cache-control": "no-store"}, "text/plain")
    headers = {"cache-control": KEPT, "vary": "accept-encoding"}
    if name.endswith(".js") and "gzip" in request.headers.get("accept-encoding", ""):
        body, headers["content-encoding"] = _packed(name), "gzip"
    else:
        body = mine.files[name]
    return Response(body, 200, headers, KINDS[Path(name).suffix])
