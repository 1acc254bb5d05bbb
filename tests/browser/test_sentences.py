"""What the studio says on a page in Chinese, by a table that English readers never fetch: refusals, failures, notes."""

from typing import Any

import httpx
from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, open_group


def message(page: Page) -> Any:
    return page.locator("#message-box")


def test_a_bad_request_is_refused_in_the_language_of_the_page(visit) -> None:
    page = visit("/?lang=zh")
    open_group(page, "group-beta")
    start, end = (page.get_by_label(name, exact=True) for name in ("β 起点", "β 终点"))
    expect(start).to_have_value("0")
    start.fill("0.5")
    end.fill("0.1")
    generate(page, "a fish", steps=3)
    expect(message(page)).to_contain_text("“β 起点” 必须小于 “β 终点”；收到 0.5 和 0.1。")
    page.get_by_role("button", name="English").click()
    expect(message(page)).to_contain_text("“β start” must be less than “β end”; got 0.5 and 0.1.")
    page.get_by_role("button", name="中文").click()
    expect(message(page)).to_contain_text("“β 起点” 必须小于 “β 终点”")


def test_a_job_that_fails_says_why_in_the_language_of_the_page(visit) -> None:
    page = visit("/?lang=zh")
    open_group(page, "group-more")
    skip = page.locator("#group-more").get_by_label("CLIP 跳过层").first
    expect(skip).to_have_value("1")
    skip.fill("9")
    skip.press("Tab")
    generate(page, "a fish", steps=2)
    expect(message(page)).to_contain_text("对此模型的文本编码器，“CLIP 跳过层” 必须在 1 到 4 之间；收到 9。")
    [failed] = page.evaluate("fetch('api/v1/jobs').then((answer) => answer.json())")["jobs"]
    assert failed["error"] == {
        "code": "bad_request",
        "message": "clip_skip must be 1 to 4 for this model's text encoder; got 9.",
        "template": "clip_skip must be 1 to {most} for this model's text encoder; got {got}.",
        "values": {"most": "4", "got": "9"},
    }
    page.get_by_role("button", name="English").click()
    expect(message(page)).to_contain_text("“CLIP skip” must be 1 to 4 for this model's text encoder; got 9.")


def test_what_the_api_refuses_is_said_in_the_language_of_the_page(visit, tmp_path) -> None:
    page = visit("/?lang=zh")
    (tmp_path / "notes.png").write_bytes(b"This is no picture at all, whatever its name says.")
    page.locator("#metadata-file").set_input_files(tmp_path / "notes.png")
    expect(message(page)).to_contain_text("请选择 PNG、JPEG 或 WebP")


def test_a_note_of_a_picture_is_said_in_the_language_of_the_page(visit) -> None:
    page = visit("/?lang=zh")
    generate(page, "a fox <hypernet:old:1>", steps=2)
    finish(page)
    notes = page.locator("#live-view .notes")
    expect(notes).to_contain_text("未使用 <hypernet:old:1>：不支持超网络。")
    page.get_by_role("button", name="English").click()
    expect(notes).to_contain_text("<hypernet:old:1> was not used: hypernetworks are not supported.")


def test_english_readers_fetch_no_table_and_others_one(visit, studio) -> None:
    for language, tables in (("en", 0), ("zh", 1)):
        page = visit(f"/?lang={language}")
        page.evaluate("fetch('api/v1/jobs/none')")
        names = "performance.getEntriesByType('resource').map((one) => one.name)"
        page.wait_for_function(f"{names}.filter((name) => name.includes('/words_table.js')).length")
        if tables:
            page.wait_for_function(f"{names}.some((name) => name.includes('/sentences_zh.js'))")
        fetched = [name for name in page.evaluate(names) if "/sentences_" in name]
        assert len(fetched) == tables
        for address in fetched:
            assert httpx.get(address).headers["cache-control"].endswith("immutable")
