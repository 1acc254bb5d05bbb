"""Pictures that a visitor brings: started from, masked, enlarged; and sketches while the prompt is typed."""

import io
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from pipelines.requests.text_to_image import TextToImageRequest
from tests.browser.visitor import finish, generate, newest, open_group, tiles, write

SIDE = TextToImageRequest().width  # nothing is scaled then, so pixels can be compared


@pytest.fixture
def start() -> np.ndarray:
    """Random pixels, so that every one that changes is noticed."""
    return np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def png(pixels: np.ndarray) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def bring(page: Page, pixels: np.ndarray) -> None:
    file = {"name": "start.png", "mimeType": "image/png", "buffer": png(pixels)}
    page.locator("#start-file").set_input_files(files=[file])  # type: ignore[list-item]
    expect(page.locator("#start-thumb")).to_be_visible()


def as_made(page: Page) -> None:
    """Ask for pictures that are not enlarged at the end."""
    open_group(page, "group-enlarge")
    page.get_by_label("Enlarge", exact=True).click()
    page.get_by_role("option", name="Off").click()


def jobs(page: Page) -> list[dict[str, Any]]:
    """All that the studio knows of this visitor's, also what the page does not show."""
    return page.evaluate("async () => (await (await fetch('/api/v1/jobs')).json()).jobs")


def fetched(url: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(httpx.get(url).raise_for_status().content)).convert("RGB"))


def stroke(page: Page, *points: tuple[float, float]) -> None:
    """Paint along the points, which are shares of the canvas's width and height."""
    box = page.locator("#mask canvas").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def at(mask: np.ndarray, x: float, y: float) -> int:
    return mask[int(y * len(mask)), int(x * len(mask))]


def test_a_picture_to_start_from_is_shown_and_goes_into_the_recipe(page: Page, studio: Any, start: np.ndarray) -> None:
    strength = page.locator("#strength input[type=number]")
    expect(strength).to_be_hidden()
    bring(page, start)
    expect(strength).to_be_visible()
    generate(page, "a panda", steps=5, strength=0.4)
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert asked["strength"] == 0.4
    assert (fetched(f"{studio.url}/api/v1/inputs/{asked['image']}.png") == start).all()
    page.locator("#start-remove").click()
    expect(strength).to_be_hidden()
    generate(page, "a panda", steps=3)
    expect(page.locator("#live-status")).to_have_text(re.compile("of 3"))  # before, 0.4 of 5: "of 2"
    finish(page)
    assert newest(studio)["recipe"]["request"]["image"] == ""


def test_the_settings_of_a_picture_bring_its_start_back_or_say_that_it_is_gone(
    visit: Any, studio: Any, start: np.ndarray
) -> None:
    page = visit()
    bring(page, start)
    generate(page, "a fox", steps=2)
    finish(page)
    image = newest(studio)["recipe"]["request"]["image"]
    page.locator("#start-remove").click()
    tiles(page).first.locator("button").click()
    page.locator("#detail-use").click()
    expect(page.locator("#start-thumb img")).to_have_attribute("src", re.compile(image))
    Path(studio.outputs, ".inputs", f"{image}.png").unlink()
    tiles(page).first.locator("button").click()
    page.locator("#detail-use").click()
    expect(page.locator("#start-panel .alas")).to_contain_text("no longer stored")
    expect(page.locator("#start-thumb")).to_be_hidden()
    expect(page.locator("#start [data-picture]")).to_have_attribute("data-picture", "")


def hold_uploads(page: Page) -> list[Route]:
    """Pictures that are sent from now on stay on their way until the test lets them go."""
    held: list[Route] = []
    page.route("**/api/v1/inputs", lambda route: held.append(route))
    return held


def choose(page: Page, data: bytes) -> None:
    file = {"name": "start.png", "mimeType": "image/png", "buffer": data}
    page.locator("#start-file").set_input_files(files=[file])  # type: ignore[list-item]
    expect(page.locator("#start-panel")).to_have_class(re.compile("busy"))


def test_generate_waits_for_a_picture_that_is_on_its_way(page: Page, studio: Any, start: np.ndarray) -> None:
    held = hold_uploads(page)
    write(page, "a panda", steps=2)
    choose(page, png(start))
    page.locator("#generate").click()
    page.wait_for_timeout(500)
    assert jobs(page) == []
    held.pop().continue_()
    finish(page)
    assert [job["request"]["image"] for job in jobs(page)] == [newest(studio)["recipe"]["request"]["image"]]
    assert (fetched(f"{studio.url}/api/v1/inputs/{jobs(page)[0]['request']['image']}.png") == start).all()


def test_generate_sends_the_picture_that_was_chosen_last(page: Page, studio: Any, start: np.ndarray) -> None:
    held = hold_uploads(page)
    write(page, "a panda", steps=2)
    choose(page, png(start))
    page.locator("#generate").click()
    choose(page, png(255 - start))
    held[0].abort()  # of no interest any more
    page.wait_for_timeout(300)
    held[1].continue_()
    finish(page)
    [job] = jobs(page)
    assert (fetched(f"{studio.url}/api/v1/inputs/{job['request']['image']}.png") == 255 - start).all()


def test_where_the_picture_cannot_be_brought_nothing_is_sent(page: Page) -> None:
    held = hold_uploads(page)
    write(page, "a panda", steps=2)
    choose(page, b"not a picture")
    page.locator("#generate").click()
    expect(page.locator("#generate")).to_have_class(re.compile("sending"))
    held.pop().continue_()
    expect(page.locator("#generate")).not_to_have_class(re.compile("sending"))
    expect(page.locator("#message-box")).to_contain_text("not a picture that can be read")
    assert jobs(page) == []
    page.locator("#generate").click()  # without it
    finish(page)


def test_a_reload_brings_the_picture_and_its_mask_back(page: Page, studio: Any, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    page.locator("#mask-fill").click()
    page.locator("#mask-done").click()
    expect(page.locator("#start-unmask")).to_be_visible()
    painted = mask_of(page, studio)
    page.reload()
    expect(page.locator("#start-thumb")).to_be_visible()
    expect(page.locator("#start-unmask")).to_be_visible()
    assert (mask_of(page, studio) == painted).all()
    page.locator("#start-remove").click()
    expect(page.locator("#mask-image [data-picture]")).to_have_attribute("data-picture", "")  # it goes with the picture
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#start-thumb")).to_be_hidden()


def test_another_picture_comes_without_the_mask_of_the_one_before(page: Page, studio: Any, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    page.locator("#mask-fill").click()
    page.locator("#mask-done").click()
    expect(page.locator("#start-unmask")).to_be_visible()
    bring_other = {"name": "other.png", "mimeType": "image/png", "buffer": png(255 - start)}
    held = hold_uploads(page)
    page.locator("#start-file").set_input_files(files=[bring_other])  # type: ignore[list-item]
    generate(page, "a panda", steps=2)
    held.pop().continue_()
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert asked["image"] and asked["mask_image"] == ""


def test_escape_keeps_what_was_painted_over_the_picture(page: Page, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    page.keyboard.press("Escape")
    expect(page.locator("#mask")).to_be_hidden()
    expect(page.locator("#start-unmask")).to_be_hidden()  # nothing was painted
    page.locator("#start-mask").click()
    page.locator("#mask-fill").click()
    page.keyboard.press("Escape")
    expect(page.locator("#mask")).to_be_hidden()
    expect(page.locator("#start-unmask")).to_be_visible()


def test_what_is_transparent_in_a_picture_is_painted_anew(page: Page, studio: Any, start: np.ndarray) -> None:
    clear = np.dstack([start, np.full(start.shape[:2], 255, np.uint8)])
    clear[: SIDE // 2, :, 3] = 0
    bring(page, clear)
    expect(page.locator("#start-unmask")).to_be_visible()
    expect(page.locator("#message-box")).to_contain_text("is transparent and will be repainted")
    as_made(page)
    generate(page, "a panda", steps=2)
    finish(page)
    picture = newest(studio)
    assert picture["recipe"]["request"]["mask_image"]
    made = fetched(f"{studio.url}/api/v1/images/{picture['id']}.png")
    assert np.array_equal(made[SIDE // 2 :], start[SIDE // 2 :])
    assert not np.array_equal(made[: SIDE // 2], start[: SIDE // 2])


def test_what_is_not_a_picture_gets_a_sentence(page: Page) -> None:
    file = {"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"}
    page.locator("#start-file").set_input_files(files=[file])  # type: ignore[list-item]
    expect(page.locator("#message-box")).to_contain_text("not a picture that can be read")
    expect(page.locator("#start-thumb")).to_be_hidden()


def test_outside_of_a_painted_mask_not_one_bit_changes(page: Page, studio: Any, start: np.ndarray) -> None:
    as_made(page)
    bring(page, start)
    page.locator("#start-mask").click()
    stroke(page, (0.2, 0.2), (0.5, 0.5))
    page.locator("#mask-done").click()
    expect(page.locator("#start-mask")).to_have_text("Edit mask")
    generate(page, "a panda", steps=4, strength=1)
    finish(page)
    picture = newest(studio)
    mask = fetched(f"{studio.url}/api/v1/inputs/{picture['recipe']['request']['mask_image']}.png")[..., 0]
    assert set(np.unique(mask)) == {0, 255}
    assert at(mask, 0.2, 0.2) and at(mask, 0.5, 0.5) and not at(mask, 0.15, 0.85)
    made = fetched(f"{studio.url}/api/v1/images/{picture['id']}")
    assert (made[mask == 0] == start[mask == 0]).all()
    assert (made[mask == 255] != start[mask == 255]).any()


def test_strokes_are_taken_back_done_again_and_inverted(page: Page, studio: Any, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    undo, redo = page.locator("#mask-undo"), page.locator("#mask-redo")
    expect(undo).to_be_disabled()
    stroke(page, (0.5, 0.5), (0.6, 0.6))
    undo.click()
    expect(undo).to_be_disabled()
    page.locator("#mask-done").click()
    expect(page.locator("#start-mask")).to_have_text("Paint a mask")  # nothing painted is no mask
    page.locator("#start-mask").click()
    stroke(page, (0.5, 0.5), (0.6, 0.6))
    page.keyboard.press("Control+z")
    redo.click()
    page.locator("#mask-invert").click()
    page.locator("#mask-done").click()
    mask = mask_of(page, studio)
    assert at(mask, 0.05, 0.05) == 255 and at(mask, 0.55, 0.55) == 0


def test_sketches_follow_the_typing_and_nothing_of_them_is_kept(page: Page, studio: Any) -> None:
    page.wait_for_load_state("networkidle")
    saved = len(list(Path(studio.outputs).rglob("*.png")))
    prompt, sketch = page.locator("#prompt textarea"), page.locator("#live-view .sketch")
    prompt.fill("a panda")
    page.wait_for_timeout(600)
    expect(sketch).to_have_count(0)  # off until somebody asks for it
    page.locator("#sketch-switch").check()
    prompt.press_sequentially(" on a hill", delay=30)
    expect(page.locator("#live-sketch")).to_have_attribute("data-shown", "true", timeout=60_000)
    expect(sketch.locator(".badge")).to_have_text("Sketch")
    expect(page.locator("#queue-list .job")).to_have_count(0)
    for _ in range(100):
        if not jobs(page):
            break
        page.wait_for_timeout(100)
    assert jobs(page) == []
    assert len(list(Path(studio.outputs).rglob("*.png"))) == saved
    generate(page, "a panda on a hill", steps=2)
    finish(page)
    expect(sketch).to_be_hidden()  # a real picture has the view to itself
    page.reload()
    expect(page.locator("#sketch-switch")).to_be_checked()


def test_enlarging_makes_a_picture_of_twice_the_size(page: Page, studio: Any) -> None:
    as_made(page)
    write(page, "a fish", steps=2)
    page.locator("#generate").click()
    finish(page)
    made = next(i for job in jobs(page) if job["request"].get("prompt") == "a fish" for i in job["image_ids"])
    expect(tiles(page).first).to_have_attribute("data-id", made)  # the list is fetched after the last frame
    before = newest(studio)
    tiles(page).first.locator("button").click()
    page.locator("#detail-enlarge-2x").click()
    expect(tiles(page).first).not_to_have_attribute("data-id", made, timeout=120_000)  # a full page stays at its length
    after = newest(studio)
    assert (after["width"], after["height"]) == (2 * before["width"], 2 * before["height"])
    assert after["recipe"]["enlarged"] == [{"factor": "2x", "upscaler": "aigc"}]
    assert after["recipe"]["request"] == before["recipe"]["request"]  # a prompt, a seed and all settings, as before
    tiles(page).first.locator("button").click()
    expect(page.locator("#detail-recipe th").get_by_text("Enlarged afterwards")).to_be_visible()
    expect(page.locator("#detail-use")).to_be_visible()
    page.locator("#detail-start").click()
    expect(page.locator("#start-panel .figures")).to_have_text(f"{after['width']} × {after['height']}")


def test_the_canvas_grows_by_arrows_and_what_was_known_stays_bit_for_bit(page: Page, studio: Any, start: np.ndarray):
    as_made(page)
    bring(page, start)
    page.locator("#outpaint-add-right").click()
    page.locator("#outpaint-add-top").click()
    page.locator("#outpaint-add-top").click(modifiers=["Shift"])
    expect(page.locator("#outpaint .total")).to_have_text(f"{SIDE + 64} × {SIDE} in all")
    known = page.locator("#outpaint .known").bounding_box()
    canvas = page.locator("#outpaint .canvas").bounding_box()
    assert known and canvas and abs(known["width"] / canvas["width"] - SIDE / (SIDE + 64)) < 0.03
    generate(page, "a fox", steps=2)
    finish(page)
    asked = newest(studio)
    assert asked["recipe"]["request"]["outpaint_right"] == 64 and asked["recipe"]["request"]["outpaint_top"] == 0
    made = fetched(f"{studio.url}/api/v1/images/{asked['id']}.png")
    assert made.shape == (SIDE, SIDE + 64, 3) and (made[:, :SIDE] == start).all()
    page.locator("#start-remove").click()
    expect(page.locator("#outpaint")).to_be_hidden()
    expect(page.locator("#outpaint-add-right")).to_have_attribute("title", "Paint beyond the right edge: 0")


def test_looking_closer_paints_finer_and_where_it_is_aimed(page: Page, studio: Any, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    easel = page.locator("#mask .easel").bounding_box()
    assert easel is not None
    expect(page.locator("#mask-whole")).to_be_hidden()
    near = 20  # from the rounded corner
    page.mouse.move(easel["x"] + near, easel["y"] + near)
    page.mouse.wheel(0, -400)  # e times as large, about that point
    expect(page.locator("#mask-whole")).to_be_visible()
    page.mouse.move(easel["x"] + easel["width"] / 2, easel["y"] + easel["height"] / 2)
    page.mouse.down()
    page.mouse.move(easel["x"] + easel["width"] / 2 + 1, easel["y"] + easel["height"] / 2)
    page.mouse.up()
    page.locator("#mask-whole").click()
    page.keyboard.press("e")
    expect(page.locator("#mask-eraser")).to_have_attribute("aria-pressed", "true")
    page.locator("#mask-done").click()
    expect(page.locator("#start-unmask")).to_be_visible()
    painted = mask_of(page, studio)
    rows, columns = np.nonzero(painted)
    for found, length in ((rows, easel["height"]), (columns, easel["width"])):
        assert abs(found.mean() / SIDE - (near + (length / 2 - near) / np.e) / length) < 0.02


@pytest.mark.parametrize("closer", (False, True))
def test_a_click_that_does_not_move_leaves_one_round_dab(
    page: Page, studio: Any, start: np.ndarray, closer: bool
) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    easel = page.locator("#mask .easel").bounding_box()
    assert easel is not None
    if closer:
        page.mouse.move(easel["x"] + easel["width"] / 2, easel["y"] + easel["height"] / 2)
        page.mouse.wheel(0, -400)
        expect(page.locator("#mask-whole")).to_be_visible()
    page.mouse.click(easel["x"] + easel["width"] / 2, easel["y"] + easel["height"] / 2)
    page.locator("#mask-done").click()
    expect(page.locator("#start-unmask")).to_be_visible()
    rows, columns = np.nonzero(mask_of(page, studio))
    wide = 0.14 * SIDE  # the brush as it comes, in the picture's own pixels
    assert len(rows) == pytest.approx(np.pi * wide**2 / 4, rel=0.15)
    assert rows.mean() == pytest.approx(SIDE / 2, abs=1) and columns.mean() == pytest.approx(SIDE / 2, abs=1)


def test_all_can_be_filled_and_taken_back(page: Page, studio: Any, start: np.ndarray) -> None:
    bring(page, start)
    page.locator("#start-mask").click()
    page.locator("#mask-fill").click()
    page.locator("#mask-invert").click()
    page.keyboard.press("Control+z")
    page.locator("#mask-done").click()
    expect(page.locator("#start-unmask")).to_be_visible()
    assert (mask_of(page, studio) == 255).all()


def mask_of(page: Page, studio: Any) -> np.ndarray:
    field = page.locator("#mask-image [data-picture]")
    expect(field).to_have_attribute("data-picture", re.compile("[0-9a-f]{64}"))
    return fetched(f"{studio.url}/api/v1/inputs/{field.get_attribute('data-picture')}.png")[..., 0]
