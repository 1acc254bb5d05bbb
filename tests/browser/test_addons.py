"""Add-ons on the Create page: there where something is installed, and of use by hand."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests import embedded, tiny_addons
from tests.browser.conftest import Studio, running
from tests.browser.visitor import drag, finish, generate, newest, tiles


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with two LoRAs, a ControlNet and an IP-Adapter for the embedded model, and an upscaler."""
    from pipelines.diffusion import loading
    from tests.pipelines.diffusion.test_control import tiny_control
    from tests.pipelines.diffusion.test_esrgan import old_keys, rrdb

    home = tmp_path_factory.mktemp("models")
    unet = loading.load(embedded.INFO).part("unet")
    for seed, name in enumerate(("ink lines", "fog")):
        products = tiny_addons.random_products({"unet": unet}, seed, 0.02)
        tiny_addons.save(home / "loras", name, tiny_addons.kohya(products))
    tiny_control(unet, hint=embedded.HINT).save_pretrained(home / "controlnet" / "edges")
    tiny_addons.save(home / "ipadapter", "likeness", tiny_addons.ip_adapter(unet))
    tiny_addons.save(home / "clip_vision", "seeing", tiny_addons.clip_vision().state_dict())
    tiny_addons.save(home / "upscale_models", "4x-stranger", old_keys(rrdb()))
    with running(tmp_path_factory.mktemp("outputs"), AIGC_MODELS=str(home)) as studio:
        yield studio


def open_addons(page: Page) -> None:
    page.locator("#group-addons button.label-wrap").click()
    expect(page.locator("#addons-panel .chips button")).to_have_count(2)


def square() -> bytes:
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[32:96, 32:96] = 220
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()


def bring(page: Page) -> None:
    file: Any = {"name": "square.png", "mimeType": "image/png", "buffer": square()}
    page.locator("#control-file").set_input_files(files=[file])
    expect(page.locator("#control-seen")).to_be_visible()


def white(page: Page) -> int:
    """How many pixels of what the ControlNet sees are white."""
    return page.locator("#control-seen").evaluate(
        """async (image) => {
          await image.decode();
          const canvas = document.createElement("canvas");
          canvas.width = image.naturalWidth;
          canvas.height = image.naturalHeight;
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const levels = pen.getImageData(0, 0, canvas.width, canvas.height).data;
          return levels.filter((level, i) => i % 4 === 0 && level > 250).length;
        }"""
    )


def test_chips_put_loras_into_the_request_and_take_them_out(visit, studio):
    page = visit()
    open_addons(page)
    ink, fog = page.get_by_role("button", name="ink lines"), page.get_by_role("button", name="fog")
    box = page.locator("#loras").locator("textarea, input")
    ink.click()
    fog.click()
    expect(box).to_have_value("ink lines:0.8, fog:0.8")
    expect(ink).to_have_attribute("aria-pressed", "true")
    ink.click()
    expect(box).to_have_value("fog:0.8")
    expect(ink).to_have_attribute("aria-pressed", "false")
    generate(page, "a panda", steps=2)
    finish(page)
    assert newest(studio)["recipe"]["request"]["loras"] == "fog:0.8"
    assert set(newest(studio)["recipe"]["lora_hashes"]) == {"fog"}


def test_a_lora_goes_from_the_list_of_models_into_the_prompt_once(visit, studio):
    page = visit()
    page.locator("#prompt textarea").fill("a panda")
    for _ in range(2):
        page.get_by_role("tab", name="Models").click()
        card = page.locator(".model").filter(has_text="ink lines")
        if card.get_attribute("open") is None:
            card.locator("summary").click()
        card.get_by_role("button", name="Use in Create").click()
        expect(page.locator("#prompt")).to_be_visible()
        expect(page.locator("#prompt textarea")).to_have_value("a panda <lora:ink lines:0.8>")


def test_the_edges_are_shown_and_followed(visit, studio):
    page = visit()
    open_addons(page)
    bring(page)
    page.get_by_label("ControlNet", exact=True).click()
    page.get_by_role("option", name="edges").click()
    expect(page.get_by_label("Canny: high threshold").first).to_be_hidden()
    page.get_by_label("Preprocessor", exact=True).click()
    page.get_by_role("option", name="Edges (Canny)").click()
    expect(page.get_by_label("Canny: high threshold").first).to_be_visible()
    page.wait_for_function("document.querySelector('#control-seen').complete")
    page.wait_for_timeout(1000)
    assert 3.1 < white(page) / (embedded.SIDE // 2) < 6.2  # the outline of a square half as wide as the picture
    generate(page, "a panda", steps=2)
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert asked["control_model"] == "edges" and asked["control_type"] == "canny" and len(asked["control_image"]) == 64
    page.locator("#control-remove").click()
    expect(page.locator("#control-file")).to_be_attached()
    expect(page.locator("#control-seen")).to_be_hidden()


def test_a_second_network_has_a_place_of_its_own_and_both_are_followed(visit, studio):
    page = visit()
    open_addons(page)
    bring(page)
    page.get_by_label("ControlNet", exact=True).first.click()
    page.get_by_role("option", name="edges").click()
    page.get_by_role("button", name="Second ControlNet").click()
    file: Any = {"name": "square.png", "mimeType": "image/png", "buffer": square()}
    page.locator("#control2-file").set_input_files(files=[file])
    expect(page.locator("#control2-seen")).to_be_visible()
    page.get_by_label("ControlNet", exact=True).nth(1).click()
    page.get_by_role("option", name="edges").click()
    generate(page, "a panda", steps=2)
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert (asked["control_model"], asked["control2_model"], asked["control3_model"]) == ("edges", "edges", "none")
    assert len(asked["control2_image"]) == 64
    tiles(page).first.click()
    expect(page.locator("#detail")).to_contain_text("ControlNet 2")


def drop(page: Page) -> None:
    carried = page.evaluate_handle(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "square.png", { type: "image/png" }));
          return data;
        }""",
        list(square()),
    )
    page.dispatch_event("#ip-panel .drop", "drop", {"dataTransfer": carried})
    expect(page.locator("#ip-seen")).to_be_visible()


def test_a_reference_picture_that_is_dropped_is_followed(visit, studio):
    page = visit()
    open_addons(page)
    drop(page)
    page.get_by_label("IP-Adapter", exact=True).click()
    page.get_by_role("option", name="likeness").click()
    generate(page, "a panda", steps=2)
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert asked["ip_model"] == "likeness" and len(asked["ip_image"]) == 64 and not asked["control_image"]
    page.locator("#ip-remove").click()
    expect(page.get_by_label("IP-Adapter", exact=True)).to_have_value("None")
    expect(page.locator("#ip-seen")).to_be_hidden()


def test_lines_drawn_by_hand_are_white_on_black_and_gone_on_with(visit, studio):
    page = visit()
    open_addons(page)
    page.get_by_label("Preprocessor", exact=True).click()
    page.get_by_role("option", name="Edges (Canny)").click()
    page.locator("#control-draw").click()
    canvas = page.locator("#mask canvas")
    expect(canvas).to_be_visible()
    drag(page, canvas, (100, 100), (300, 100))
    page.locator("#mask-done").click()
    expect(page.locator("#control-seen")).to_be_visible()
    expect(page.get_by_label("Preprocessor", exact=True)).to_have_value("None (use as it is)")
    one = drawn(page, studio)
    rows, columns = np.nonzero(one)
    assert set(np.unique(one)) == {0, 255} and np.ptp(columns) > 5 * np.ptp(rows)
    field = page.locator("#control-picture [data-picture]")
    before = field.get_attribute("data-picture") or ""
    page.locator("#control-redraw").click()
    expect(canvas).to_be_visible()  # once the drawing is back
    drag(page, canvas, (100, 200), (300, 200))
    page.locator("#mask-done").click()
    expect(field).not_to_have_attribute("data-picture", before)
    both = drawn(page, studio)
    assert (both[one > 0] == 255).all() and (both > 0).sum() > 1.5 * (one > 0).sum()
    page.locator("#control-redraw").click()
    expect(canvas).to_be_visible()
    page.locator("#mask-clear").click()
    page.locator("#mask-done").click()
    expect(page.locator("#control-draw")).to_be_visible()  # nothing drawn is no picture to follow
    bring(page)
    expect(page.locator("#control-redraw")).to_be_hidden()  # one that was brought is not drawn over


def test_a_reload_brings_the_control_picture_back_while_the_add_ons_are_folded_up(visit, studio):
    page = visit()
    open_addons(page)
    bring(page)
    generate(page, "a panda", steps=2)
    finish(page)
    sent = newest(studio)["recipe"]["request"]
    assert len(sent["control_image"]) == 64
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    expect(page.locator("#prompt textarea")).to_have_value("a panda")  # the settings are back
    before = tiles(page).count()
    page.locator("#generate").click()
    expect(tiles(page)).to_have_count(before + 1)
    again = newest(studio)["recipe"]["request"]
    assert (again["control_image"], again["control_model"]) == (sent["control_image"], "edges")
    open_addons(page)
    expect(page.locator("#control-seen")).to_be_visible()


def test_generate_waits_for_the_control_picture_and_its_network_comes_along(visit, studio):
    page = visit()
    open_addons(page)
    held: list[Route] = []
    page.route("**/api/v1/inputs", lambda route: held.append(route))
    file: Any = {"name": "square.png", "mimeType": "image/png", "buffer": square()}
    page.locator("#control-file").set_input_files(files=[file])
    expect(page.locator("#control-panel .help").first).to_have_text("one moment …")
    generate(page, "a panda", steps=2)
    held.pop().continue_()
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert len(asked["control_image"]) == 64 and asked["control_model"] == "edges"


def test_a_control_picture_that_is_not_kept_any_more_is_said_to_be_gone(visit, studio):
    page = visit()
    open_addons(page)
    bring(page)
    generate(page, "a panda", steps=2)
    finish(page)
    kept = newest(studio)["recipe"]["request"]["control_image"]
    Path(studio.outputs, ".inputs", f"{kept}.png").unlink()
    tiles(page).first.locator("button").click()
    page.locator("#detail-use").click()
    expect(page.locator("#control-panel .alas")).to_contain_text("no longer stored")
    expect(page.locator("#control-picture [data-picture]")).to_have_attribute("data-picture", "")


def drawn(page: Page, studio: Any) -> np.ndarray:
    name = page.locator("#control-picture [data-picture]").get_attribute("data-picture")
    answer = httpx.get(f"{studio.url}/api/v1/inputs/{name}.png").raise_for_status()
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("L"))


def test_a_kept_picture_is_enlarged_by_the_network_that_is_chosen_there(visit, studio):
    page = visit()
    generate(page, "a panda", steps=2)
    finish(page)
    made = newest(studio)["id"]
    expect(tiles(page).first).to_have_attribute("data-id", made)
    tiles(page).first.locator("button").click()
    choice = page.locator("#detail-upscaler")
    expect(choice.locator("option")).to_have_text(["AIGC flat art (built in)", "4x-stranger"])
    choice.select_option("4x-stranger")
    page.locator("#detail-enlarge-2x").click()
    expect(tiles(page).first).not_to_have_attribute("data-id", made, timeout=120_000)
    enlarged = newest(studio)
    assert enlarged["recipe"]["enlarged"] == [{"factor": "2x", "upscaler": "4x-stranger"}]
    assert "Postprocess upscaler: 4x-stranger" in enlarged["parameters"]
    page.reload()
    tiles(page).first.locator("button").click()
    expect(choice).to_have_value("4x-stranger")  # as this browser had it last
    rows = page.locator("#detail-recipe th")
    expect(rows.get_by_text("Enlarged afterwards", exact=True)).to_be_visible()
    expect(rows.get_by_text("Seed", exact=True)).to_be_visible()
    page.locator("#detail-next").click()
    expect(rows.get_by_text("Seed", exact=True)).to_be_visible()
    expect(rows.get_by_text("Control strength", exact=True)).to_have_count(0)  # nothing was followed


def test_on_a_phone_nothing_leaves_the_page(visit):
    page = visit(viewport={"width": 390, "height": 844})
    open_addons(page)
    bring(page)
    drop(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_handles_of_sliders_are_not_cut_off_on_a_phone(visit):
    """A handle is 18 pixels high on a line of 8; what is outside of its block is not drawn."""
    page = visit(viewport={"width": 390, "height": 844})
    below = """sliders => sliders.filter((one) => one.offsetParent).map((one) =>
      one.closest(".block").getBoundingClientRect().bottom - one.getBoundingClientRect().bottom)"""
    room = page.locator("#create input[data-testid=range-input]").evaluate_all(below)
    assert len(room) >= 2 and min(room) >= 5


def test_where_nothing_is_installed_there_is_no_accordion(visit, browser, tmp_path: Path):
    with running(tmp_path / "outputs", AIGC_MODELS=str(tmp_path)) as bare:
        page = browser.new_page()
        page.goto(bare.url)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        expect(page.locator("#group-basics")).to_be_visible()
        expect(page.locator("#group-addons")).to_have_count(0)
        generate(page, "a panda", steps=2)
        finish(page)
        tiles(page).first.locator("button").click()
        expect(page.locator("#detail-enlarge-2x")).to_be_visible()
        expect(page.locator("#detail-upscaler")).to_be_hidden()  # our own is all there is
        page.close()


def test_a_complaint_names_settings_as_the_page_does(visit):
    page = visit("/?lang=zh")
    page.locator("#group-addons button.label-wrap").click()
    bring(page)
    network = page.get_by_label("ControlNet 模型", exact=True)
    expect(network).to_have_value("edges")  # the only one that is installed comes with the picture
    network.click()
    page.get_by_role("option", name="无", exact=True).click()
    generate(page, "a panda", steps=2)
    expect(page.locator("#message-box")).to_contain_text("“ControlNet 模型” 和 “控制图片” 须一起使用")
    page.get_by_role("button", name="English").click()
    expect(page.locator("#message-box")).to_contain_text("“ControlNet” and “Control picture” go together")


def test_a_recipe_is_silent_about_a_reference_that_was_not_there(visit):
    page = visit()
    generate(page, "a panda", steps=2)
    finish(page)
    tiles(page).first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Guidance")
    expect(dialog).not_to_contain_text("Reference")
    expect(dialog).not_to_contain_text("IP-Adapter")
