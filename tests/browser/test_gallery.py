"""The gallery in a real browser: found, moved through, marked, thrown away and brought back, compared, on a phone."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Page, expect

from pipelines.store import pictures, recipe
from pipelines.store.images import ImageStore

COUNT = 240
SECOND = 1_000_000  # microseconds


@pytest.fixture(scope="module")
def filled(studio) -> list[str]:
    """Pictures of two hundred days, the newest first."""
    store, ids = ImageStore(studio.outputs), []
    for i in range(COUNT):
        pixels = np.full((64, 48 + i % 2 * 48, 3), (i, 255 - i, 90), np.uint8)
        prompt = f"a {'fox' if i % 3 else '大熊猫'} number {i}"
        made = recipe.new("text-to-image", {"prompt": prompt, "model": f"model-{i % 2}", "seed": i})
        ids.append(store.save(pixels, made, image_id=pictures.new_id(1_770_000_000 * SECOND + i * 80_000 * SECOND)))
    return ids[::-1]


@pytest.fixture
def gallery(filled, visit) -> Page:
    return opened(visit(until=(), path="/#tab=gallery"))


def opened(page: Page) -> Page:
    expect(page.locator("#gallery-tile-0[data-id]")).to_be_visible()
    return page


def shown(page: Page) -> list[str | None]:
    return [tile.get_attribute("data-id") for tile in page.locator(".gallery-grid .tile[data-id]").all()]


def test_what_is_typed_is_searched_and_facets_narrow_it(gallery: Page):
    expect(gallery.get_by_text(f"Pictures: {COUNT}", exact=True)).to_be_visible()
    gallery.locator("#gallery-search").type("熊猫 num")
    expect(gallery.get_by_text("Pictures: 80", exact=True)).to_be_visible()
    gallery.locator("[data-facet=model] .value", has_text="model-1").click()
    expect(gallery.get_by_text("Pictures: 40", exact=True)).to_be_visible()
    gallery.locator(".narrowed .chip").click()
    expect(gallery.get_by_text("Pictures: 80", exact=True)).to_be_visible()
    gallery.locator("#gallery-search").fill("nosuchword")
    expect(gallery.get_by_text("No picture matches this search.")).to_be_visible()


def test_only_what_is_in_sight_is_in_the_page(gallery: Page, filled: list[str]):
    assert len(shown(gallery)) < COUNT / 2
    gallery.locator("#gallery-grid").focus()
    gallery.keyboard.press("End")
    last = gallery.locator(f"#gallery-tile-{COUNT - 1}[data-id]")
    expect(last).to_be_in_viewport()
    assert last.get_attribute("data-id") == filled[-1] and filled[0] not in shown(gallery)
    gallery.keyboard.press("Home")
    expect(gallery.locator("#gallery-tile-0[data-id]")).to_be_in_viewport()


def test_the_keyboard_opens_marks_and_walks(gallery: Page, filled: list[str]):
    gallery.locator("#gallery-grid").focus()
    gallery.keyboard.press("ArrowRight")
    gallery.keyboard.press("4")
    expect(gallery.locator("#gallery-tile-1 .marks")).to_have_text("★★★★")
    gallery.keyboard.press("Enter")
    view = gallery.locator("#gallery-view")
    expect(view).to_contain_text("number 238")
    gallery.keyboard.press("f")
    expect(view.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", "true")
    view.get_by_label("Add tag").fill("best, 最爱")
    view.get_by_label("Add tag").press("Enter")
    expect(view.get_by_role("button", name="Remove tag 最爱")).to_be_visible()
    view.locator("header").click()
    gallery.keyboard.press("z")
    expect(view.locator(".zoom-bar output")).to_have_text("100 %")
    gallery.keyboard.press("ArrowRight")
    expect(view).to_contain_text("number 237")
    gallery.keyboard.press("Delete")
    expect(view).to_contain_text("number 236")
    view.get_by_role("button", name="Undo").click()
    expect(view).to_contain_text("number 237")
    gallery.keyboard.press("Escape")
    expect(view).to_be_hidden()
    gallery.reload()
    gallery.locator("[data-facet=tag] .value", has_text="最爱").click()
    expect(gallery.get_by_text("Pictures: 1", exact=True)).to_be_visible()
    assert shown(gallery) == [filled[1]]


def test_several_are_chosen_deleted_and_brought_back(gallery: Page, studio, filled: list[str]):
    gallery.locator("#gallery-tile-4").click(modifiers=["Control"])
    gallery.locator("#gallery-tile-6").click(modifiers=["Shift"])
    expect(gallery.get_by_text("3 selected")).to_be_visible()
    gallery.locator(".gallery-bar").get_by_role("button", name="Delete").click()
    expect(gallery.get_by_text(f"Pictures: {COUNT - 3}", exact=True)).to_be_visible()
    expect(gallery.locator(f".tile[data-id='{filled[5]}']")).to_have_count(0)
    assert (Path(studio.outputs) / "bin").is_dir()
    gallery.get_by_role("button", name="Undo").click()
    expect(gallery.locator(f".tile[data-id='{filled[5]}']")).to_be_visible()
    expect(gallery.get_by_text(f"Pictures: {COUNT}", exact=True)).to_be_visible()


def test_two_are_compared_with_what_differs_in_their_recipes(gallery: Page):
    for index in (2, 3):
        gallery.locator(f"#gallery-tile-{index}").click(modifiers=["Control"])
    gallery.get_by_role("button", name="Compare").click()
    dialog = gallery.locator("#gallery-compare")
    expect(dialog.locator("tr", has_text="Seed")).to_contain_text("237")
    expect(dialog.locator("tr", has_text="Seed")).to_contain_text("236")
    dialog.get_by_label("Boundary between the two pictures").press("Home")
    expect(dialog.locator(".compare-stage")).to_have_attribute("style", "aspect-ratio: 48 / 64; --at: 0%;")


def test_a_pictures_settings_go_back_into_create(gallery: Page):
    gallery.locator("#gallery-tile-7").click()
    expect(gallery.locator("#gallery-view")).to_contain_text("number 232")
    gallery.get_by_role("button", name="Use these settings").click()
    expect(gallery.locator("#prompt textarea")).to_have_value("a fox number 232")
    expect(gallery.locator("#gallery-view")).to_be_hidden()


def test_on_a_phone_a_tap_opens_and_taps_choose_once_one_is_chosen(filled, visit):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = opened(visit(until=(), path="/#tab=gallery", **phone, locale="zh-CN"))
    page.locator("#gallery-tile-1").tap(position={"x": 60, "y": 80})
    expect(page.locator("#gallery-view")).to_be_visible()
    page.get_by_role("button", name="关闭").click()
    page.locator("#gallery-tile-1 .pick").tap()
    page.locator("#gallery-tile-2").tap(position={"x": 60, "y": 80})
    expect(page.get_by_text("已选 2 张")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_empty_gallery_says_what_will_be_here(visit):
    page = visit(until=())
    page.route("**/api/v1/gallery?*", lambda route: route.fulfill(json=EMPTY))
    page.get_by_role("tab", name="Gallery").click()
    expect(page.get_by_text("Every picture you make is kept here")).to_be_visible()
    expect(page).to_have_url(re.compile("#tab=gallery$"))


EMPTY = {"total": 0, "offset": 0, "pictures": [], "facets": {}}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder of another program with three pictures."""
    for i in range(3):
        info = PngInfo()
        info.add_text("parameters", f"a lighthouse number {i}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: {i}")
        Image.new("RGB", (64, 48), (30, 40 * i, 200)).save(tmp_path / f"{i}.png", pnginfo=info)
    return tmp_path


def test_a_folder_of_another_program_is_added_searched_shown_and_removed(gallery: Page, elsewhere: Path):
    gallery.get_by_role("button", name="Folders").click()
    dialog = gallery.locator("#gallery-folders")
    dialog.get_by_label("Full path of a folder").fill(str(elsewhere / "nowhere"))
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_role("alert")).to_contain_text("there is no folder")
    dialog.get_by_label("Full path of a folder").fill(str(elsewhere))
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_text("3 pictures")).to_be_visible(timeout=60_000)
    gallery.keyboard.press("Escape")
    gallery.locator("[data-facet=tool] .value", has_text="AUTOMATIC1111").click()
    expect(gallery.get_by_text("Pictures: 3", exact=True)).to_be_visible()
    gallery.locator("#gallery-tile-0").click()
    view = gallery.locator("#gallery-view")
    expect(view).to_contain_text("a lighthouse number")
    expect(view).to_contain_text("AUTOMATIC1111")
    expect(view.get_by_role("button", name="Delete")).to_be_hidden()
    gallery.keyboard.press("4")
    expect(view.get_by_role("button", name="4 of 5 stars")).to_have_attribute("aria-pressed", "true")
    gallery.keyboard.press("Delete")
    expect(view).to_contain_text("where the studio changes nothing")
    assert len(list(elsewhere.glob("*.png"))) == 3
    gallery.keyboard.press("Escape")
    gallery.get_by_role("button", name="Folders").click()
    dialog.get_by_role("button", name=re.compile("^Take ")).click()
    expect(dialog.get_by_text("3 pictures")).to_have_count(0)


def test_pictures_like_one_come_first(gallery: Page, filled: list[str]):
    gallery.locator("#gallery-tile-2").click()
    gallery.locator("#gallery-view").get_by_role("button", name="Similar").click()
    expect(gallery.get_by_role("button", name="Similar to this")).to_be_visible()
    expect(gallery.locator("#gallery-tile-0")).to_have_attribute("data-id", filled[2])
    gallery.get_by_role("button", name="Similar to this").click()
    expect(gallery.locator("#gallery-tile-0")).to_have_attribute("data-id", filled[0])


def test_a_search_is_saved_asked_again_and_deleted_with_undo(gallery: Page):
    gallery.locator("#gallery-search").fill("熊猫")
    gallery.locator("[data-facet=model] .value", has_text="model-1").click()
    expect(gallery.get_by_text("Pictures: 40", exact=True)).to_be_visible()
    gallery.get_by_role("button", name="Saved searches").click()
    dialog = gallery.locator("#gallery-searches")
    dialog.get_by_label("Name of the search").fill("Zoo")
    dialog.get_by_role("button", name="Save search").click()
    dialog.get_by_role("button", name="Delete “Zoo”").click()
    expect(dialog.get_by_text("The search “Zoo” is deleted.")).to_be_visible()
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.locator(".open", has_text="Zoo")).to_be_visible()
    gallery.reload()
    expect(gallery.get_by_text(f"Pictures: {COUNT}", exact=True)).to_be_visible()
    gallery.get_by_role("button", name="Saved searches").click()
    dialog.locator(".open", has_text="Zoo").click()
    expect(gallery.get_by_text("Pictures: 40", exact=True)).to_be_visible()
    expect(gallery.locator("#gallery-search")).to_have_value("熊猫")


def test_a_download_is_called_as_the_pattern_says(gallery: Page):
    gallery.locator("#gallery-tile-3").click()
    view = gallery.locator("#gallery-view")
    view.get_by_role("button", name="File names").click()
    naming = gallery.locator("#naming")
    naming.locator("#download-name").fill("[seed] [colour]")
    expect(naming.locator("output")).to_contain_text("unknown [colour] in the name")
    naming.locator("#download-name").fill("[prompt_words]-")
    naming.locator(".chip", has_text="[seed]").click()
    expect(naming.locator("output")).to_have_text(re.compile(r"-\d+\.png$"))
    naming.get_by_role("button", name="Use").click()
    with gallery.expect_download() as download:
        view.locator("[data-kind=png]").click()
    assert download.value.suggested_filename == "a fox number 236-236.png"
