"""A shared studio in the browser: its owner sees and stops everybody's jobs, pupils read what they may not do."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from benchmarks import studio as studios


@pytest.fixture(scope="module")
def shared() -> Iterator[studios.Studio]:
    with studios.running("--listen", "127.0.0.1", warm=False) as studio:
        yield studio


@pytest.fixture
def come(browser: Browser, shared: studios.Studio) -> Iterator[Any]:
    """come(token, **options of the browser's context) -> the page of a visitor who opened the printed address."""
    contexts = []

    def open_page(token: str, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1440, "height": 900}, "locale": "en-US"} | options))
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{shared.url}/?token={token}")
        expect(page.locator("html")).to_have_attribute("data-ready", "true")
        return page

    yield open_page
    for context in contexts:
        context.close()


@contextmanager
def busy(shared: studios.Studio) -> Iterator[httpx.Client]:
    """A pupil's program that asked for more than it gets while somebody looks."""
    who = {"authorization": f"Bearer {shared.token}", "x-aigc-client": "a-pupil-1"}
    request = {"prompt": "a fox", "num_inference_steps": 150, "width": 1024, "height": 1024}
    with httpx.Client(base_url=shared.url, headers=who, timeout=60) as pupil:
        pupil.post("/api/v1/jobs", json={"generator": "text-to-image", "request": request}).raise_for_status()
        yield pupil


@pytest.mark.parametrize("width", [1440, 390])
def test_the_owner_sees_who_paints_and_stops_it(shared: studios.Studio, come: Any, width: int) -> None:
    with busy(shared) as pupil:
        page = come(shared.owner_token, viewport={"width": width, "height": 844})
        row = page.locator("#classroom-list .job", has_text="a fox")
        expect(row).to_contain_text("Visitor")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        row.get_by_role("button").click()
        expect(row).to_have_count(0, timeout=120_000)  # it ends with its step
        assert {job["state"] for job in pupil.get("/api/v1/jobs").json()["jobs"]} == {"cancelled"}


def test_a_pupil_sees_a_number_and_no_classroom_and_why_a_training_cannot_start(
    shared: studios.Studio, come: Any
) -> None:
    page = come(shared.token, locale="zh-CN")
    expect(page.locator("#classroom")).to_contain_text("号访客")
    expect(page.locator("#classroom-list")).to_be_hidden()
    page.locator("#tabs").get_by_role("tab", name="生成模型").or_(page.get_by_role("tab").nth(2)).first.click()
    page.get_by_role("tab", name="训练与出错").click()
    expect(page.locator("#family-start")).to_be_disabled()
    expect(page.locator("#bench-family-training")).to_contain_text("只有所有者可以开始训练")


@pytest.mark.parametrize("how", ["typed at the door", "in the address"])
def test_the_token_lets_in_to_the_very_state_that_a_link_holds(
    browser: Browser, shared: studios.Studio, how: str
) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    state = "#lab=eyJiZW5jaCI6InBvaW50cyIsInZhbHVlcyI6eyJzZWVkIjo0Mn19"  # {"bench":"points","values":{"seed":42}}
    if how == "in the address":
        page.goto(f"{shared.url}/?lang=zh&token={shared.token}{state}")
    else:
        page.goto(f"{shared.url}/?lang=zh{state}")
        for token in ("wrong", shared.token):
            page.get_by_label("Token").fill(token)
            page.get_by_role("button", name="Open").click()
    expect(page.locator("#bench-points [data-field=seed] input")).to_have_value("42", timeout=90_000)
    assert page.url == f"{shared.url}/?lang=zh{state}", "and the token is gone from the address"
    context.close()


def test_a_link_leads_others_to_where_they_reach_the_studio(shared: studios.Studio, come: Any) -> None:
    page = come(shared.owner_token)
    page.get_by_role("tab", name="Diffusion lab").click()
    expect(page.locator("#schedule-t")).to_be_visible()
    for address, base in (("http://192.168.1.5:7860/", "http://192.168.1.5:7860/#lab="), ("", f"{shared.url}/#lab=")):
        page.route("**/api/v1/me", partial(tell, {"address": address}))
        page.reload()
        expect(page.locator("#bench-schedule")).to_be_visible()
        page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        page.locator("#lesson-link").click()
        page.wait_for_function("window.copied")
        assert page.evaluate("window.copied").startswith(base)
        page.unroute("**/api/v1/me")


def tell(more: dict[str, Any], route: Route) -> None:
    route.fulfill(json=route.fetch().json() | more)
