"""Guidance drawn by hand, grids and lists of prompts, as a person makes them on the Create page."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import drag, drawn_tiles, finish, generate, newest, open_group, pick, tiles, write


def choose_field(part: Locator, axis: str, name: str) -> None:
    pick(part.locator(f"#{axis} input"), name)
    expect(part.page.get_by_role("listbox")).to_have_count(0)


def pad(page: Page) -> tuple[Locator, Locator]:
    part = open_group(page, "group-guidance")
    return part.locator(".plot-stage"), part.locator("#guidance-points")


def test_a_curve_drawn_on_the_pad_guides_the_picture_and_comes_back_from_its_recipe(page: Page, studio: Any) -> None:
    stage, points = pad(page)
    expect(points).to_have_value("")
    box = stage.bounding_box()
    assert box
    width, height = box["width"], box["height"]
    drag(page, stage, (width / 2, height / 2), (width / 2, 30))
    expect(points).not_to_have_value("")
    drawn = [[float(v) for v in point.split()] for point in points.input_value().split("; ")]
    assert [point[0] for point in drawn] == [0, drawn[1][0], 1] and drawn[0][1] == drawn[2][1] == 3
    assert 0.3 < drawn[1][0] < 0.6 and drawn[1][1] > 7
    generate(page, "a red fox", steps=6, seed=4)
    finish(page)
    kept = newest(studio)["recipe"]["request"]
    assert kept["guidance_curve"] == drawn
    page.locator("#guidance-reset").click()
    expect(points).to_have_value("")
    expect(page.locator("#guidance-reset")).to_be_disabled()
    generate(page, "a red fox", steps=6, seed=5)
    finish(page)
    expect(tiles(page).nth(1)).to_be_visible()
    assert newest(studio)["recipe"]["request"]["guidance_curve"] == []
    tiles(page).nth(1).locator("button").click()
    expect(page.locator("#detail-recipe")).to_contain_text("Guidance by hand")
    expect(page.locator("#detail-parameters")).to_contain_text("CFG curve: 0 3; ")
    page.locator("#detail-use").click()
    expect(points).to_have_value("; ".join(f"{x:g} {y:g}" for x, y in drawn))


def test_the_points_can_be_typed_and_what_is_no_curve_is_marked(page: Page, studio: Any) -> None:
    stage, points = pad(page)
    points.fill("0 9; 0.5 2; 1 1")
    points.press("Tab")
    expect(stage.locator(".handle")).to_have_count(3)
    points.fill("0 nine")
    points.press("Tab")
    expect(points).to_have_attribute("aria-invalid", "true")
    generate(page, "a red fox", steps=2, seed=4)
    finish(page)
    assert newest(studio)["recipe"]["request"]["guidance_curve"] == [[0, 9], [0.5, 2], [1, 1]]
    points.fill("0 9; 0.5 2; 1 1")
    points.press("Tab")
    stage.locator(".handle").nth(1).dblclick()
    expect(stage.locator(".handle")).to_have_count(2)
    expect(points).to_have_value("0 9; 1 1")


def test_a_finger_draws_on_the_pad_of_a_phone(visit: Any) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    stage, points = pad(page)
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + 40)
    expect(stage.locator(".handle")).to_have_count(3)
    expect(points).not_to_have_value("")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_reload_brings_the_curve_back(page: Page) -> None:
    _, points = pad(page)
    points.fill("0 5; 1 2")
    points.press("Tab")
    generate(page, "a red fox", steps=2, seed=4)
    finish(page)
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-ready", "true")
    _, points = pad(page)
    expect(points).to_have_value("0 5; 1 2")


def test_a_grid_is_made_of_two_settings_and_its_sheet_is_shown(page: Page, studio: Any) -> None:
    before = drawn_tiles(page, studio)
    write(page, "a red fox", steps=2, seed=1)
    part = open_group(page, "group-grid")
    choose_field(part, "x-field", "Seed")
    part.locator("#x-values textarea, #x-values input").fill("1-3")
    choose_field(part, "y-field", "Prompt words")
    part.locator("#y-values textarea, #y-values input").fill("red|blue")
    page.locator("#grid-make").click()
    finish(page)
    expect(tiles(page)).to_have_count(before + 7)
    sheet = newest(studio)["recipe"]
    assert sheet["generator"] == "grid"
    assert sheet["axes"] == [
        {"field": "seed", "values": ["1", "2", "3"]},
        {"field": "prompt_replace", "values": ["red", "blue"]},
    ]
    cell = newest(studio, 1)["recipe"]
    assert cell["generator"] == "text-to-image"
    assert (cell["request"]["prompt"], cell["request"]["seed"]) == ("a blue fox", 3)
    tiles(page).first.locator("button").click()
    expect(page.locator("#detail-recipe")).to_contain_text("Prompt words")
    expect(page.locator("#detail-sheet")).to_be_hidden()
    cells = page.locator("#detail .cells button")
    expect(cells).to_have_count(6)
    page.get_by_role("button", name="Open Seed: 2 · Prompt words: blue", exact=True).click()
    expect(page.locator("#detail-picture")).to_have_attribute("alt", "a blue fox")
    expect(cells).to_have_count(0)
    page.locator("#detail-sheet").click()
    expect(cells).to_have_count(6)
    cells.first.click()
    expect(page.locator("#detail-picture")).to_have_attribute("alt", "a red fox")
    page.locator("#detail-use").click()
    expect(page.locator("#seed input, #seed textarea").first).to_have_value("1")


def test_a_grid_that_is_too_much_is_refused_in_a_sentence(page: Page) -> None:
    write(page, "a red fox", steps=2)
    part = open_group(page, "group-grid")
    page.locator("#grid-make").click()
    expect(page.locator("#message-box")).to_contain_text("a grid needs a setting that changes")
    choose_field(part, "x-field", "Seed")
    part.locator("#x-values textarea, #x-values input").fill("1-5000")
    page.locator("#grid-make").click()
    expect(page.locator("#message-box")).to_contain_text("5000 values")


def test_a_file_of_prompts_is_read_and_painted_line_by_line(page: Page, studio: Any) -> None:
    before = drawn_tiles(page, studio)
    write(page, "", steps=2, seed=1)
    open_group(page, "group-lines")
    lines = 'a panda\n一只小狐狸 --seed 5 --sampler "DPM++ 2M Karras"\n'
    page.locator("#lines-choose").set_input_files(
        {"name": "prompts.txt", "mimeType": "text/plain", "buffer": lines.encode()}
    )
    expect(page.locator("#prompt-lines textarea")).to_have_value(lines)
    page.locator("#lines-make").click()
    finish(page)
    expect(tiles(page)).to_have_count(before + 2)
    second = newest(studio)["recipe"]["request"]
    assert (second["prompt"], second["seed"], second["sigma_schedule"]) == ("一只小狐狸", 5, "karras")
    page.locator("#prompt-lines textarea").fill("a panda --speed 3")
    page.locator("#lines-make").click()
    expect(page.locator("#message-box")).to_contain_text("line 1: unknown option '--speed'")
