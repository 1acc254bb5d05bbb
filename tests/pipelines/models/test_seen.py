"""What was seen of a model is kept as text, and read again only where it is of its form."""

import json

import pytest

from pipelines.errors import Sentence
from pipelines.models.library.kinds import Recognised
from pipelines.models.library.seen import _as_text, _recognised

WHY = Sentence("Its weights are packed as {quantised}.", quantised="nf4")


def test_why_a_model_is_unusable_keeps_its_template():
    read = _recognised(_as_text(Recognised("lora", parts=("unet",), unusable=WHY)))
    assert (read.kind, read.parts, read.unusable.to_json()) == ("lora", ("unet",), WHY.to_json())


def test_what_an_older_studio_saw_is_read_by_its_text():
    read = _recognised(json.dumps({"kind": "lora", "unusable": "It is old."}))
    assert (read.unusable, read.unusable.template, read.unusable.values) == ("It is old.", "It is old.", {})
    assert _recognised(json.dumps({"kind": "lora"})).unusable == ""


@pytest.mark.parametrize("unusable", [5, None, [], {}, {"message": 5}, {"template": "a"}])
def test_what_is_no_sentence_is_refused(unusable):
    with pytest.raises(TypeError):
        _recognised(json.dumps({"kind": "lora", "unusable": unusable}))
