"""The page's scripts as files: modules without a circle or a common global, kept by browsers, nothing else served."""

import gzip
import json
import re

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from aigc_ui import page_files, words
from aigc_ui.guard import Guard, Hosts

FILES = page_files.files()
SCRIPTS = {name: data.decode() for name, data in FILES.files.items() if name.endswith(".js")}
IMPORTS = {name: set(re.findall(r"[\"']\./(\w+\.js)[\"']", text)) for name, text in SCRIPTS.items()}  # later ones too
IMPORTS["sentences.js"] |= {f"sentences_{language}.js" for language in words.sentences()}  # by the page's language


@pytest.fixture(scope="module")
def client():
    app = Starlette(routes=[Route(page_files.ROUTE, page_files.answer)])
    with TestClient(Guard(app, Hosts()), "http://127.0.0.1:7860") as client:
        yield client


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Scripts that import each other in a circle, or nothing: the rest when those without imports are taken away."""
    left = dict(imports)
    while free := [name for name, others in left.items() if not others & set(left)]:
        for name in free:
            del left[name]
    return sorted(left)


def test_scripts_import_what_is_there_and_never_in_a_circle():
    assert set().union(*IMPORTS.values()) <= set(SCRIPTS)
    assert circle(IMPORTS) == []
    assert circle({"a.js": {"b.js"}, "b.js": {"c.js"}, "c.js": {"b.js"}}) == ["a.js", "b.js", "c.js"]


def test_every_script_is_reached_from_the_entry():
    reached = {page_files.ENTRY}
    while more := set().union(*(IMPORTS[name] for name in reached)) - reached:
        reached |= more
    assert reached == set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_hangs_anything_on_the_window(name):
    assert re.findall(r"(?:window|globalThis|self)\.\w+ *=[^=]|window\.aigc", SCRIPTS[name]) == []


def test_imports_at_the_start_are_found_without_those_for_later():
    script = 'import { a } from "./a.js";\nexport { b } from "./b.js";\nimport "./c.js";\nconst d = import("./d.js");'
    assert page_files.imports(script.encode()) == ["a.js", "b.js", "c.js"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_file_under_its_hash_is_kept_for_ever(client, name):
    answer = client.get(f"/{FILES.address(name)}", headers={"accept-encoding": "identity"})
    assert answer.status_code == 200
    assert answer.content == FILES.files[name]
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_browsers_get_it_packed(client):
    address = f"/{FILES.address('words_table.js')}"
    with client.stream("GET", address, headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == FILES.files["words_table.js"]


def test_another_hash_or_name_has_no_address(client):
    mine = FILES.digest
    for path in (
        f"/studio/{'0' * 16}/main.js",  # a page of before an update
        f"/studio/{mine}/nothing.js",
        f"/studio/{mine}/words_table.d.ts",
        f"/studio/{mine}/..%2fpage.py",
        f"/studio/{mine}/../../page.py",
        f"/studio/{mine}/",
        "/studio/main.js",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "immutable" not in answer.headers.get("cache-control", ""), path


def test_any_change_is_another_hash():
    assert page_files.PageFiles(FILES.files | {"main.js": b"other"}).digest != FILES.digest
    assert page_files.PageFiles({"a.js": b"bc"}).digest != page_files.PageFiles({"a.jsb": b"c"}).digest


def test_the_table_of_words_is_whole():
    text = SCRIPTS["words_table.js"].removeprefix("export default ").removesuffix(";\n")
    assert json.loads(text) == words.table()


def test_what_is_named_for_loading_at_once_fits_into_the_headers_that_proxies_take():
    links = page_files.preload()
    assert FILES.address(page_files.ENTRY) in links and len(links) <= page_files.MOST_LINKS
    assert links.count("modulepreload") > 20
