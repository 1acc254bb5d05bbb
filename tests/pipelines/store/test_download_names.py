"""Names of downloads: A1111's tokens, and names that every system takes, whatever pattern and recipe hold."""

from datetime import UTC

import pytest

from pipelines.errors import BadRequest
from pipelines.store.download_names import LONGEST, MOST_BYTES, TOKENS, named, safe
from pipelines.store.pictures import ImageInfo, created

ID = "20260301-140506-123456-9f3c"
REQUEST = {
    "prompt": "a (red:1.2) panda, in the <lora:ink:0.8> forest at night with many lanterns and snow",
    "seed": 42,
    "model": "dream_8",
    "sampler": "euler",
    "num_inference_steps": 25,
    "guidance_scale": 6.5,
}


def picture(**request) -> ImageInfo:
    recipe = {"request": REQUEST | request, "model_hash": "0123456789abcdef"}
    return ImageInfo(ID, created(ID) or 0, 512, 768, recipe)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("[seed]-[prompt_words]", "42-a red panda in the forest at night"),
        ("[prompt_words<3>]", "a red panda"),
        ("[model_name]_[width]x[height]_[steps]_[cfg]_[sampler]", "dream_8_512x768_25_6.5_euler"),
        ("[date]", "2026-03-01"),
        ("[datetime]", "20260301140506"),
        ("[datetime<%Y-%m-%d %H:%M>]", "2026-03-01 14_05"),
        ("[datetime<%H><Asia/Shanghai>]h", "22h"),
        ("[job]", ID),
        ("[job_timestamp]", "20260301140506"),
        ("[model_hash]", "0123456789"),
        ("[hasprompt<panda><dog|cat>]", "pandacat"),
        ("[Seed] [SEED]", "42 42"),
        ("plain", "plain"),
        ("a/b\\c:d", "a_b_c_d"),
        ("[]", "[]"),
        ("", ID),
        (" . ", ID),
        ("[clip_skip]x", "1x"),
    ],
)
def test_a_pattern_becomes_a_name(pattern: str, name: str):
    assert named(pattern, picture(clip_skip=1), UTC) == name


@pytest.mark.parametrize("token", TOKENS)
def test_every_token_is_written_for_any_picture(token: str):
    bare = ImageInfo(ID, created(ID) or 0, 8, 8, {})
    for info in (bare, picture(), ImageInfo(ID, 0.0, 8, 8, {"request": "odd", "model_hash": [5]})):
        assert named(f"x[{token}]", info, UTC).startswith("x")


@pytest.mark.parametrize(
    "pattern", ["[colour]", "[datetime<%Q>]", "[datetime<%>]", "[datetime<%Y><Mars/Base>]", "x" * (LONGEST + 1)]
)
def test_what_is_unknown_is_said(pattern: str):
    with pytest.raises(BadRequest):
        named(pattern, picture(), UTC)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1", "_com1"),
        ("console", "console"),
        ("..", ""),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("ends with a dot. ", "ends with a dot"),
        ("a\0b\nc\u202ed", "a_b_cd"),
        ("e\u0301", "é"),
        ("half \ud800 sign", "half sign"),
        ("大熊猫 🐼", "大熊猫 🐼"),
    ],
)
def test_a_name_is_one_that_every_system_takes(given: str, name: str):
    assert safe(given) == name


@pytest.mark.parametrize("sign", ["a", "é", "熊", "🐼"])
def test_a_long_name_is_cut_between_two_signs(sign: str):
    name = named("[prompt]", picture(prompt=sign * 3000))
    assert MOST_BYTES - 4 < len(name.encode()) <= MOST_BYTES and set(name) == {sign}
