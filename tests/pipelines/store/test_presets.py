"""Settings under names: each person's own, whole after a restart, whatever lies in their file."""

from pathlib import Path

import pytest

from pipelines.errors import BadRequest, NotFound
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.named_values import MOST, NamedValues
from pipelines.store.presets import presets as presets_in

VALUES = {"num_inference_steps": 7, "guidance_curve": [[0.0, 5.0], [1.0, 2.0]], "seed": 12345678901234567890 % 2**63}


@pytest.fixture
def presets(tmp_path: Path) -> NamedValues:
    return presets_in(tmp_path / "presets", TextToImageRequest)


def test_what_is_kept_comes_back_after_a_restart_in_the_order_of_names(presets: NamedValues, tmp_path: Path) -> None:
    assert presets.all(None) == {}
    presets.save(None, "slow", {"num_inference_steps": 90})
    presets.save(None, "Quick  \n one", VALUES)
    again = presets_in(tmp_path / "presets", TextToImageRequest)
    assert list(again.all(None)) == ["Quick one", "slow"]
    assert again.all(None)["Quick one"]["num_inference_steps"] == 7
    assert TextToImageRequest.parse(again.all(None)["Quick one"]).seed == VALUES["seed"]


def test_each_person_has_their_own(presets: NamedValues) -> None:
    presets.save("0a", "mine", VALUES)
    presets.save("0b", "theirs", VALUES)
    assert list(presets.all("0a")) == ["mine"]
    with pytest.raises(NotFound):
        presets.delete("0a", "theirs")
    assert list(presets.delete("0a", "mine")) == []
    assert list(presets.all("0b")) == ["theirs"]


def test_a_preset_is_renamed_but_never_over_another(presets: NamedValues) -> None:
    presets.save(None, "one", VALUES)
    presets.save(None, "two", {"count": 2})
    with pytest.raises(BadRequest, match="already"):
        presets.rename(None, "one", "two")
    assert list(presets.rename(None, "one", "three")) == ["three", "two"]
    with pytest.raises(NotFound):
        presets.rename(None, "one", "four")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("", VALUES),
        (" \u200b\n", VALUES),
        ("x", {"steps": 3}),
        ("x", {"num_inference_steps": 0}),
        ("x", {"count": "many"}),
    ],
)
def test_what_is_no_name_or_no_setting_is_refused_and_nothing_is_lost(
    presets: NamedValues, name: str, values: dict[str, object]
) -> None:
    presets.save(None, "kept", VALUES)
    with pytest.raises(BadRequest):
        presets.save(None, name, values)
    assert list(presets.all(None)) == ["kept"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 1, "": {}, "b": {"count": 2}}', "[" * 100_000])
def test_a_file_that_somebody_else_wrote_is_read_as_far_as_it_makes_sense(
    presets: NamedValues, tmp_path: Path, content: str
) -> None:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "everybody.json").write_text(content)
    assert set(presets.all(None)) <= {"b"}
    assert "new" in presets.save(None, "new", VALUES)


def test_there_is_room_for_a_number_of_them(presets: NamedValues) -> None:
    for number in range(MOST):
        presets.save(None, str(number), {})
    presets.save(None, "0", {"count": 2})  # in the place of one
    with pytest.raises(BadRequest, match="at most"):
        presets.save(None, "one more", {})
