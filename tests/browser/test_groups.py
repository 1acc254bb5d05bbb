"""Settings in three groups: shapes by a click, what was changed in one line, what is kept under a name."""

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.test_metadata import drop
from tests.browser.visitor import finish, generate, newest, open_group, setting, write
from tests.pipelines.store.test_foreign import png

KARRAS = "a dog\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 3, Seed: 1, Size: 256x256"


def changed(page: Page, group: str) -> Locator:
    return page.locator(f"#changed-{group} .changed")


def numbers(page: Page, group: str) -> list[str]:
    return page.locator(f"#group-{group} input[type=number]").evaluate_all("boxes => boxes.map((box) => box.value)")


def test_a_shape_keeps_the_number_of_pixels_and_swap_turns_it(page: Page, studio: Any) -> None:
    shape = page.locator("#ratios [data-ratio]")
    pressed = page.locator("#ratios [aria-pressed=true]")
    expect(pressed).to_have_text("1:1")
    expect(page.locator("#ratio-swap")).to_be_disabled()
    shape.filter(has_text="3:2").click()
    expect(pressed).to_have_text("3:2")
    assert numbers(page, "basics") == ["288", "192"]
    page.locator("#ratio-swap").click()
    expect(page.locator("#group-basics input[type=number]").first).to_have_value("192")
    expect(pressed).to_have_text("3:2")
    generate(page, "a fox", steps=2, seed=1)
    finish(page)
    asked = newest(studio)["recipe"]["request"]
    assert (asked["width"], asked["height"]) == (192, 288)
    shape.filter(has_text="1:1").click()
    expect(pressed).to_have_text("1:1")
    assert numbers(page, "basics") == ["256", "256"]


def test_each_group_says_what_was_changed_in_it_and_takes_it_back(page: Page) -> None:
    for group in ("basics", "quality", "expert"):
        expect(changed(page, group)).to_be_hidden()
    write(page, "a fox", steps=33, guidance=5, seed=4)
    expect(changed(page, "basics")).to_contain_text("Seed 4")
    expect(changed(page, "quality").locator("span")).to_have_text("Steps 33 · Guidance 5")
    page.locator("#group-quality > button.label-wrap").click()
    expect(changed(page, "quality")).to_be_visible()  # most of all where the group is closed
    part = open_group(page, "group-sampling")
    part.get_by_label("Fresh noise η").first.fill("0.5")
    part.get_by_label("Fresh noise η").first.press("Tab")
    expect(changed(page, "expert")).to_contain_text("0.5")
    page.locator("#reset-quality").click()
    expect(changed(page, "quality")).to_be_hidden()
    expect(setting(page, "steps")).to_have_value("20")
    expect(setting(page, "guidance")).to_have_value("3")
    expect(changed(page, "expert")).to_contain_text("0.5")  # the others stay
    expect(setting(page, "seed")).to_have_value("4")
    expect(page.locator("#prompt textarea")).to_have_value("a fox")


def test_what_a_recipe_changes_in_a_group_that_was_never_opened_is_said(page: Page) -> None:
    drop(page, png({"parameters": KARRAS}))
    page.locator("#metadata-apply").click()
    expect(changed(page, "expert")).to_contain_text("Karras")
    page.locator("#reset-expert").click()
    expect(changed(page, "expert")).to_be_hidden()


@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_what_suits_the_model_is_no_change(visit: Any, locale: str) -> None:
    page = visit(locale=locale)
    model = page.locator("#model input")
    model.click()
    page.get_by_role("option", name="my-tiny-model").click()
    expect(page.locator("#group-basics input[type=number]").first).not_to_have_value("256")
    for group in ("basics", "quality"):
        expect(changed(page, group)).to_be_hidden()


def test_settings_are_kept_under_a_name_applied_renamed_deleted_and_brought_back(page: Page, visit: Any) -> None:
    choose, name = page.locator("#preset-choose"), page.locator("#preset-name")
    expect(choose).to_be_disabled()
    write(page, "a fox", steps=7, guidance=2, seed=12)
    page.locator("#preset-save").click()
    name.fill("  quick   look ")
    name.press("Enter")
    expect(choose).to_have_value("quick look")
    write(page, "a panda", steps=30, guidance=4, seed=13)
    choose.select_option("")
    choose.select_option("quick look")
    expect(setting(page, "steps")).to_have_value("7")
    expect(setting(page, "guidance")).to_have_value("2")
    expect(setting(page, "seed")).to_have_value("13")  # of the picture, not of the way to make it
    expect(page.locator("#prompt textarea")).to_have_value("a panda")

    page.locator("#preset-rename").click()
    name.fill("<b>short</b>")
    name.press("Enter")
    expect(choose).to_have_value("<b>short</b>")
    other = visit()  # another browser of the same person
    expect(other.locator("#preset-choose option")).to_have_text(["Presets …", "<b>short</b>"])

    page.locator("#preset-delete").click()
    expect(page.locator("#message-box")).to_contain_text("<b>short</b>")
    expect(choose).to_be_disabled()
    page.locator("#message-act").click()
    expect(choose).to_have_value("<b>short</b>")
    page.locator("#preset-delete").click()
    expect(choose).to_be_disabled()


def test_a_name_that_is_taken_is_refused_in_a_sentence(page: Page) -> None:
    name = page.locator("#preset-name")
    for kept in ("one", "two"):
        page.locator("#preset-save").click()
        name.fill(kept)
        name.press("Enter")
        expect(page.locator("#preset-choose")).to_have_value(kept)
    page.locator("#preset-rename").click()
    name.fill("one")
    name.press("Enter")
    expect(page.locator("#message-box")).to_contain_text("there is a preset 'one' already")
    expect(name).to_be_visible()
    name.press("Escape")
    expect(name).to_be_hidden()
