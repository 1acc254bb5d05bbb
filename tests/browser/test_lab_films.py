"""What a bench plays is saved as a film: as many pictures as steps, opaque, in the colours of the page."""

import io
import re
from collections.abc import Callable
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.visitor import number, open_bench


def saved(page: Page, bench: str, kind: str) -> bytes:
    films = page.locator(f"#{bench}-films")
    expect(page.locator(".bench[aria-busy=true]")).to_have_count(0)  # an answer on its way ends a film
    with page.expect_download(timeout=60_000) as download:
        films.get_by_role("button", name=kind, exact=True).click()
    assert download.value.suggested_filename == f"{bench}.{kind.lower()}"
    expect(films).not_to_have_attribute("aria-busy", "true")
    return download.value.path().read_bytes()


def pictures(data: bytes) -> list[np.ndarray]:
    opened = Image.open(io.BytesIO(data))
    found = []
    for i in range(opened.n_frames):  # type: ignore[attr-defined]
        opened.seek(i)
        found.append(np.asarray(opened.convert("RGB")).copy())
    return found


def points(page: Page) -> int:
    number(open_bench(page, "Points in the plane"), "num_inference_steps", 7)
    expect(page.locator("#plane-step")).to_have_attribute("max", "7")
    return 8


def digits(page: Page) -> int:
    number(open_bench(page, "Digits in pixels"), "num_inference_steps", 10)
    expect(page.locator("#digits-step")).to_have_attribute("max", "10")  # it grows while the steps arrive
    return 11


def reverse(page: Page) -> int:
    number(open_bench(page, "Back from noise"), "num_inference_steps", 4)
    expect(page.locator("#reverse-step")).to_have_attribute("max", "3", timeout=60_000)
    return 4


def noising(page: Page) -> int:
    open_bench(page, "β schedule")
    expect(page.locator("#noised")).to_have_attribute("data-t", "500")
    return 25


@pytest.mark.parametrize("bench", [points, digits, reverse, noising], ids=lambda bench: bench.__name__)
def test_the_film_of_a_bench_has_every_step(page: Page, bench: Callable[[Page], int]) -> None:
    steps = bench(page)
    for kind in ("WebP", "GIF"):
        seen = pictures(saved(page, bench.__name__, kind))
        assert len(seen) == steps
        assert all((abs(a.astype(int) - b).max() > 30) for a, b in zip(seen, seen[1:], strict=False))
        assert min(seen[0][0, 0]) > 240, "the page's paper, not a transparent canvas's black"
    with av.open(io.BytesIO(saved(page, bench.__name__, "MP4"))) as container:
        assert len(list(container.decode(video=0))) > steps, "it ends on the last step for a while"


def test_a_film_is_made_in_the_dark_theme_too_and_holds_both_planes(visit: Any) -> None:
    page = visit("/?__theme=dark")
    points(page)
    one = pictures(saved(page, "points", "GIF"))[0]
    assert max(one[0, 0]) < 60 and max(one[one.shape[0] // 2, 12]) < 60
    page.locator("[data-train=training_steps]").fill("20")
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_have_text("Finished")
    page.locator("[data-whose=both]").click()
    assert pictures(saved(page, "points", "GIF"))[0].shape[1] == 2 * 408 + 8


def test_the_followed_point_and_its_arrows_are_in_the_film(page: Page) -> None:
    points(page)
    number(page.locator("#bench-points"), "label", 0)
    page.wait_for_timeout(500)
    before = pictures(saved(page, "points", "GIF"))
    page.locator("#plane-step").fill("7")
    box = page.locator("#plane").bounding_box()
    assert box
    page.locator("#plane").click(position={"x": box["width"] * (3 + 1.4) / 6, "y": box["height"] / 2})
    expect(page.locator(".plane-legend li").first).to_be_visible()
    with page.expect_response("**/lab/guidance"):
        after = pictures(saved(page, "points", "GIF"))
    assert all(abs(a.astype(int) - b).max() > 60 for a, b in zip(before, after, strict=True))


def test_while_a_film_is_made_it_is_said_and_so_is_what_went_wrong(page: Page) -> None:
    points(page)
    films = page.locator("#points-films")
    told = films.get_by_role("status")

    def refuse(route: Any) -> None:
        expect(told).to_have_text("Making the film …")
        assert films.get_by_role("button").evaluate_all("all => all.every((button) => button.disabled)")
        route.fulfill(status=422, json={"error": {"code": "bad_request", "message": "This film is not wanted."}})

    page.route("**/lab/film.gif", refuse)
    films.get_by_role("button", name="GIF").click()
    expect(told).to_have_text("This film is not wanted.")
    expect(films.get_by_role("button", name="GIF")).to_be_enabled()
    saved(page, "points", "WebP")
    expect(told).to_be_empty()


def test_one_step_is_no_film_and_that_is_said(page: Page) -> None:
    reverse(page)
    page.locator("#reverse-t").fill("0")
    expect(page.locator("#reverse-where")).to_contain_text("Step 1 of 1")
    page.locator("#reverse-films").get_by_role("button", name="GIF").click()
    expect(page.locator("#reverse-films").get_by_role("status")).to_have_text(re.compile("at least two steps"))
