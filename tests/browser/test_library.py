"""The models' tab in a real browser: searched, opened, noted, used in Create, removed and brought back."""

import os
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import running
from tests.odd_files import MODELS, safetensors


@pytest.fixture
def library(page: Page) -> Page:
    page.get_by_role("tab", name="Models").click()
    expect(page.locator(".model").first).to_be_visible()
    return page


def model(page: Page, name: str) -> Locator:
    return page.locator(".model", has=page.locator("b", has_text=name))


def test_every_list_of_choices_has_a_name_and_an_arrow(library):
    for select in library.locator(".find select").all():
        assert select.get_attribute("aria-label")
        assert "gradient" in select.evaluate("s => getComputedStyle(s).backgroundImage")


def test_the_models_that_are_here_are_listed_and_searched(library):
    expect(model(library, "aigc-mini")).to_contain_text("diffusers folder")
    expect(model(library, "stranger")).to_contain_text("Convert before use")
    library.get_by_label("Search by name, title or author").fill("my-tiny")
    expect(library.locator(".model")).to_have_count(1)


def test_what_cannot_be_used_says_why(library):
    model(library, "stranger").locator("summary").click()
    expect(model(library, "stranger")).to_contain_text("pickle in a zip archive, which can run code")


def test_a_model_is_loaded_noted_and_used_in_create(library):
    mine = model(library, "my-tiny-model")
    mine.locator("summary").click()
    mine.get_by_label("Your notes").fill("my first")
    mine.get_by_label("Your notes").blur()
    expect(mine.get_by_text("kept")).to_be_visible()
    mine.get_by_role("button", name="Load", exact=True).click()
    expect(mine.locator("summary")).to_contain_text("in memory on cpu")
    mine.get_by_role("button", name="Unload").click()
    expect(mine.locator("summary")).not_to_contain_text("in memory")
    mine.get_by_role("button", name="Use in Create").click()
    expect(library.locator("#model input")).to_have_value("my-tiny-model")
    library.reload()
    library.get_by_role("tab", name="Models").click()
    model(library, "my-tiny-model").locator("summary").click()
    expect(model(library, "my-tiny-model").get_by_label("Your notes")).to_have_value("my first")


def test_a_removed_model_comes_back(library):
    mine = model(library, "my-tiny-model")
    mine.locator("summary").click()
    mine.get_by_role("button", name="Remove").click()
    expect(library.get_by_text("Press again")).to_be_visible()
    expect(mine).to_be_visible()
    mine.get_by_role("button", name="Remove").click()
    expect(mine).to_have_count(0)
    library.get_by_role("button", name="Bring back my-tiny-model").click()
    expect(model(library, "my-tiny-model")).to_be_visible()


def test_a_pickle_is_converted_at_a_press(library):
    pickled = model(library, "pickled")
    expect(pickled).to_have_count(1)
    expect(pickled).to_contain_text("Convert before use")
    pickled.locator("summary").click()
    pickled.get_by_role("button", name="Convert to safetensors").click()
    expect(pickled).to_have_count(2)
    expect(library.get_by_text("unknown · safetensors")).to_be_visible()


def test_a_look_at_the_hub_without_a_network_ends_in_a_sentence(library):
    library.get_by_text("Download from the Hugging Face hub").click()
    library.get_by_label("Repository, like org/name").fill("../../etc")
    library.get_by_label("File in it").fill("a.safetensors")
    library.get_by_role("button", name="Look", exact=True).click()
    expect(library.locator(".library > .alas")).to_be_visible()


def test_one_odd_file_leaves_the_others_in_the_list(tmp_path, browser):
    folder = tmp_path / "models"
    (folder / "loras").mkdir(parents=True)
    for plant, _ in MODELS.values():
        plant(Path(tempfile.mkdtemp(dir=folder)))
    safetensors(folder / "good.safetensors")
    (folder / "good.civitai.info").write_text('{"trainedWords": 5}')
    (folder / "good.png").symlink_to("/etc/passwd")
    with running(tmp_path / "outputs", AIGC_MODELS=str(folder)) as studio:
        page = browser.new_page(viewport={"width": 1280, "height": 1600}, locale="en-US")
        page.goto(studio.url)
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        page.get_by_role("tab", name="Models").click()
        expect(model(page, "good")).to_be_visible()
        expect(page.locator(".library > .alas")).to_be_hidden()
        odd = page.locator(".model", has=page.locator("b", has_text="odd")).first
        odd.locator("summary").click()
        expect(odd.locator(".alas")).to_be_visible()
        (folder / "loras" / "late.safetensors").write_bytes((folder / "good.safetensors").read_bytes())
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        page.get_by_role("tab", name="Models").click()
        expect(model(page, "late")).to_be_visible()
        page.screenshot(path=os.environ.get("AIGC_SHOT") or tmp_path / "odd.png", full_page=True)
        page.close()
