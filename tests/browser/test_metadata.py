"""A picture dropped on the page: its settings are shown, applied as a whole or in parts, or it becomes the start."""

import base64
import io
import json
import re
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import count, finish, generate, newest, setting, tiles
from tests.pipelines.store.test_foreign import COMFY, INFOTEXT, png

DROP = """([place, data]) => {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0)), carried = new DataTransfer();
  carried.items.add(new File([bytes], "picture.png", { type: "image/png" }));
  const how = { dataTransfer: carried, bubbles: true, cancelable: true };
  document.querySelector(place).dispatchEvent(new DragEvent("drop", how));
}"""


def drop(page: Page, data: bytes, place: str = "#live-view") -> None:
    page.evaluate(DROP, [place, base64.b64encode(data).decode()])


@pytest.fixture
def panel(page: Page) -> Locator:
    return page.locator("#metadata")


def prompt(page: Page) -> Locator:
    return page.locator("#prompt textarea")


def test_a_dropped_picture_shows_its_settings_and_they_are_applied(page: Page, panel: Locator) -> None:
    graph = COMFY | {"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd_xl_base_1.0.ckpt"}}}
    drop(page, png({"prompt": json.dumps(graph)}))
    expect(panel).to_be_visible()
    expect(page.locator("#metadata-tool")).to_have_text("Made with ComfyUI")
    expect(page.locator("#metadata-unknown")).to_contain_text("sd_xl_base_1.0")
    expect(page.locator("#metadata-unknown")).to_contain_text("model must be one of")
    page.locator("#metadata-apply").click()
    expect(panel).to_be_hidden()
    expect(prompt(page)).to_have_value("portrait of a fox, (sharp focus:1.2) <lora:fox:0.8>")
    expect(setting(page, "seed")).to_have_value("42")
    expect(setting(page, "guidance")).to_have_value("7")


def test_single_settings_can_be_left_out(page: Page, panel: Locator) -> None:
    before = setting(page, "steps").input_value()
    drop(page, png({"parameters": INFOTEXT.replace("Steps: 20", "Steps: 33")}))
    panel.locator("#metadata-all").uncheck()
    expect(page.locator("#metadata-apply")).to_be_disabled()
    panel.locator("[data-field=seed]").check()
    expect(page.locator("#metadata-apply")).to_have_text("Apply (1)")
    page.locator("#metadata-apply").click()
    expect(setting(page, "seed")).to_have_value("42")
    expect(setting(page, "steps")).to_have_value(before)
    expect(prompt(page)).to_have_value("")


PLAIN = "a dog\nSteps: 2, Sampler: Euler a, CFG scale: 7, Seed: 12345678901234567890, Size: 128x128, Version: v1.10.1"


def test_what_a_picture_does_not_name_is_set_back_unless_that_is_left_out(page: Page, panel: Locator) -> None:
    count(page, 3)
    pictures = page.locator("#count input")
    for left_out, after in ((True, "3"), (False, "1")):
        drop(page, png({"parameters": PLAIN}))
        expect(page.locator("#metadata-rest")).to_be_checked()
        if left_out:
            page.locator("#metadata-rest").uncheck()
        page.locator("#metadata-apply").click()
        expect(prompt(page)).to_have_value("a dog")
        expect(pictures).to_have_value(after)


def test_a_seed_of_64_bits_goes_through_the_page_exactly(page: Page, studio: Any) -> None:
    drop(page, png({"parameters": PLAIN}))
    page.locator("#metadata-apply").click()
    expect(setting(page, "seed")).to_have_value("12345678901234567890")
    page.locator("#generate").click()
    finish(page)
    assert newest(studio)["recipe"]["request"]["seed"] == "12345678901234567890"
    tiles(page).first.click()
    expect(page.locator("#detail")).to_contain_text("12345678901234567890")


def test_a_picture_that_says_nothing_can_still_be_the_start(page: Page, panel: Locator) -> None:
    drop(page, png({}))
    expect(page.locator("#metadata-tool")).to_contain_text("does not say how it was made")
    expect(page.locator("#metadata-apply")).to_be_hidden()
    page.locator("#metadata-start").click()
    expect(page.locator("#start-thumb")).to_be_visible()


def test_a_drop_on_the_place_of_the_start_picture_is_the_start_at_once(page: Page, panel: Locator) -> None:
    drop(page, png({"parameters": INFOTEXT}), "#start-panel .drop")
    expect(page.locator("#start-thumb")).to_be_visible()
    expect(panel).to_be_hidden()


def test_a_file_is_chosen_where_nothing_can_be_dropped_and_strangers_text_is_only_text(visit: Any) -> None:
    page = visit(viewport={"width": 390, "height": 844})
    hostile = INFOTEXT.replace("portrait", "<img src=x onerror=\"document.title='taken'\">")
    hostile = (
        hostile.replace("Clip skip", "Clip<b>skip").replace("Lora hashes", "Lora hash").replace("foxstyle", "<b>x</b>")
    )
    file = {"name": "x.png", "mimeType": "image/png", "buffer": png({"parameters": hostile})}
    page.locator("#metadata-file").set_input_files(files=[file])
    expect(page.locator("#metadata-settings")).to_contain_text("<img src=x")
    assert page.locator("#metadata ul img, #metadata li b b").count() == 0
    assert page.title() != "taken"
    box = page.locator("#metadata").bounding_box()
    assert box and box["x"] >= 0 and box["x"] + box["width"] <= 390
    page.locator("#metadata-done").click()
    expect(page.locator("#metadata")).to_be_hidden()


def test_a_pasted_infotext_is_offered_to_be_applied_and_other_text_is_not(page: Page, panel: Locator) -> None:
    paste = """(text) => { const carried = new DataTransfer(); carried.setData("text/plain", text);
      document.querySelector("#prompt textarea").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true })); }"""
    page.evaluate(paste, "a fox, Steps: none")
    page.wait_for_timeout(400)
    expect(panel).to_be_hidden()
    page.evaluate(paste, INFOTEXT)
    expect(panel.locator("h2")).to_have_text("Settings in the pasted text")
    expect(page.locator("#metadata-start")).to_be_hidden()
    page.locator("#metadata-apply").click()
    expect(prompt(page)).to_have_value("portrait of a fox, (sharp focus:1.2)")


def test_what_is_no_picture_gets_a_sentence(page: Page, panel: Locator) -> None:
    drop(page, b"not a picture")
    expect(page.locator("#message-box")).to_contain_text("PNG, JPEG or WebP")
    expect(panel).to_be_hidden()


def test_a_download_can_be_a_jpeg_which_brings_its_settings_back_when_dropped(page: Page, panel: Locator) -> None:
    generate(page, "a panda on a hill", steps=2)
    finish(page)
    tiles(page).first.locator("button").click()
    page.locator("#detail-format").select_option("jpg")
    with page.expect_download() as download:
        page.locator("#detail-download").click()
    assert re.fullmatch(r"[\w-]+\.jpg", download.value.suggested_filename)
    data = download.value.path().read_bytes()
    assert Image.open(io.BytesIO(data)).format == "JPEG"
    page.locator("#detail-close").click()
    prompt(page).fill("")
    drop(page, data)
    expect(page.locator("#metadata-tool")).to_contain_text("AIGC Studio")
    page.locator("#metadata-apply").click()
    expect(prompt(page)).to_have_value("a panda on a hill")
