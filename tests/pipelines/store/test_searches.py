"""Searches under names: words and facets come back as they were, and what asks for nothing is not kept."""

from pathlib import Path

import pytest

from pipelines.errors import BadRequest
from pipelines.store.gallery.searches import searches


def test_words_and_facets_come_back_after_a_restart_and_each_person_has_their_own(tmp_path: Path) -> None:
    values = {"text": "熊猫 -night", "facets": {"stars": ["4", "5"], "folder": ["/a/b"], "tag": []}}
    searches(tmp_path).save("0a", "动物", values)
    kept = searches(tmp_path).all("0a")
    assert kept == {"动物": {"text": "熊猫 -night", "facets": {"stars": ["4", "5"], "folder": ["/a/b"]}}}
    assert searches(tmp_path).all("0b") == {} and searches(tmp_path).all(None) == {}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"text": "  ", "facets": {}},
        {"text": "", "facets": {"stars": []}},
        {"text": "fox", "words": "fox"},
        {"text": "fox", "facets": ["stars"]},
        {"text": "fox", "facets": {"colour": ["red"]}},
        {"text": "fox", "facets": {"stars": "5"}},
        {"text": "fox", "facets": {"stars": [5]}},
        {"text": "fox", "facets": {"tag": ["x"] * 51}},
        {"text": "x" * 1001},
        {"text": 5},
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, values: dict) -> None:
    with pytest.raises(BadRequest):
        searches(tmp_path).save(None, "one", values)
    assert searches(tmp_path).all(None) == {}


def test_refusals_speak_of_a_search(tmp_path: Path) -> None:
    kept = searches(tmp_path)
    kept.save(None, "one", {"text": "fox"})
    kept.save(None, "two", {"text": "panda"})
    with pytest.raises(BadRequest, match="there is a search 'two' already"):
        kept.rename(None, "one", "two")
