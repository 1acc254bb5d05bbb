"""The family of a picture in a real browser: drawn, walked through, opened, cut off and brought back."""

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pipelines.store import pixels, recipe
from pipelines.store.images import ImageStore


@pytest.fixture(scope="module")
def ids(studio) -> dict[str, str]:
    """A picture, two branches of it, one painted from the first branch, and one from a photo that is not here."""
    store = ImageStore(studio.outputs)

    def save(name: str, number: int, *parents: dict[str, str]) -> str:
        made = recipe.new("text-to-image", {"prompt": name, "seed": number}, parents=list(parents))
        return store.save(colour(number), made)

    first = save("first", 1)
    one, other = (save(f"branch {n}", n, {"kind": "branch", "id": first}) for n in (2, 3))
    painted = save("painted", 4, {"kind": "image", "digest": pixels.digest(colour(2)), "input": "0" * 64})
    orphan = save("orphan", 5, {"kind": "inpaint", "digest": "0" * 32, "input": "0" * 64})
    return {"first": first, "one": one, "other": other, "painted": painted, "orphan": orphan}


def colour(number: int) -> np.ndarray:
    return np.full((64, 64, 3), (50 * number, 255 - 50 * number, 90), np.uint8)


@pytest.fixture
def family(ids, visit):
    def opened(name: str) -> Page:
        page = visit(until=(), path="/#tab=gallery")
        page.locator(f".gallery-grid .tile[data-id='{ids[name]}']").dblclick()
        if not page.locator("#gallery-view[open]").count():
            page.keyboard.press("Enter")
        page.locator("#gallery-view [data-act=family]").click()
        expect(page.locator("#gallery-family")).to_be_visible()
        return page

    return opened


def kin(page: Page) -> set[str | None]:
    return {tile.get_attribute("data-key") for tile in page.locator("button.kin").all()}


def chosen(page: Page):
    return page.locator("button.kin[aria-pressed=true]")


def test_the_tree_has_all_of_them_and_is_walked_by_keys(family, ids):
    page = family("painted")
    assert kin(page) == {ids[name] for name in ("first", "one", "other", "painted")}
    assert page.locator(".kin-canvas path").count() == 3
    expect(chosen(page)).to_have_attribute("data-key", ids["painted"])
    for key, name in (("ArrowLeft", "one"), ("ArrowDown", "other"), ("ArrowLeft", "first"), ("ArrowRight", "one")):
        page.keyboard.press(key)
        expect(chosen(page)).to_have_attribute("data-key", ids[name])
        expect(chosen(page)).to_be_focused()
    left = {name: page.locator(f"[data-key='{ids[name]}']").bounding_box()["x"] for name in ("first", "one", "painted")}
    assert left["first"] < left["one"] < left["painted"]


def test_one_is_opened_large_and_the_family_again_from_there(family, ids):
    page = family("painted")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#gallery-family")).to_be_hidden()
    expect(page.locator(f"#gallery-view img[src*='{ids['one']}']")).to_be_visible()
    page.locator("#gallery-view [data-act=family]").click()
    expect(chosen(page)).to_have_attribute("data-key", ids["one"])


def test_a_line_is_cut_off_and_brought_back(family, ids):
    page = family("first")
    page.locator(f"[data-key='{ids['one']}']").click()
    cut = page.locator("#gallery-family [data-act=delete]")
    expect(cut).to_have_text("Cut off with descendants (1)")
    cut.click()
    expect(page.locator("button.kin")).to_have_count(2)
    assert kin(page) == {ids["first"], ids["other"]}
    page.locator("#gallery-family #gallery-undo").click()
    expect(page.locator("button.kin")).to_have_count(4)


def test_the_first_one_can_be_cut_off_and_the_dialog_closes(family, ids):
    page = family("first")
    page.locator("#gallery-family [data-act=delete]").click()
    expect(page.locator("#gallery-family")).to_be_hidden()
    page.keyboard.press("Escape")
    page.locator("#gallery-undo").click()
    expect(page.locator(f".gallery-grid .tile[data-id='{ids['painted']}']")).to_be_visible()


def test_a_parent_that_is_gone_says_what_is_known_of_it(family, ids):
    page = family("orphan")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("button.kin.gone[aria-pressed=true]")).to_have_text("Imported picture")
    expect(page.locator(".kin-name")).to_contain_text("knows it as: Inpainting.")
    expect(page.locator("#gallery-family footer .buttons")).to_be_hidden()


def test_whether_it_comes_out_the_same_is_said_beside_it(family, ids):
    page = family("other")
    page.keyboard.press("Enter")
    check, line = page.locator("#gallery-view [data-act=check]"), page.locator(".gallery-acts [role=status]")
    check.click()
    expect(check).to_have_text("Stop")
    check.click()
    expect(line).to_have_text("The check was stopped.")
    expect(check).to_have_text("Check reproduction")
    check.click()
    expect(line).to_contain_text(re.compile("once more: step|not on record"))  # a quick machine is over by then
    expect(line).to_contain_text("The steps are not on record; the picture has other pixels.", timeout=60_000)
    page.keyboard.press("Escape")
    expect(page.get_by_text("Pictures: 5", exact=True)).to_be_visible()
