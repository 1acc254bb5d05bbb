"""Every room by axe-core, the checker of accessibility: nothing that it calls serious or critical, light or dark."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visitor import finish, generate, open_bench, open_group

AXE = Path(__file__).parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
CHECK = """async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
  .filter(({ impact }) => ["serious", "critical"].includes(impact))
  .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`)"""
BENCHES = {
    "Diffusion lab": ("β schedule", "Back from noise", "Points in the plane", "Digits in pixels", "The bound"),
    "Families": ("Race", "Latents", "There and back", "Train and break", "Your models"),
}
pytestmark = pytest.mark.skipif(
    not AXE.exists() and not os.environ.get("AIGC_BROWSER_REQUIRED"), reason="axe-core is missing: npm ci in frontend"
)


def clean(page: Page, where: str) -> None:
    page.wait_for_timeout(400)  # what fades is judged by its colours
    assert page.evaluate(CHECK) == [], where


@pytest.fixture(params=["light", "dark"])
def judged(visit: Any, request: pytest.FixtureRequest) -> Page:
    page = visit(f"/?__theme={request.param}", bypass_csp=True)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page


def test_create_in_all_its_states(judged: Page) -> None:
    clean(judged, "cards")
    generate(judged, "a fox", steps=2, seed=1)
    finish(judged)
    clean(judged, "a picture")
    for group in ("group-hires", "group-sampling", "group-guidance", "group-grid"):
        open_group(judged, group)
    clean(judged, "settings")
    judged.locator("#live-large").click()
    expect(judged.locator("#detail-recipe")).to_contain_text("a fox")
    clean(judged, "a large picture")
    judged.keyboard.press("Escape")
    judged.locator("#shortcuts-show").click()
    clean(judged, "keys")


def test_gallery_and_models(judged: Page) -> None:
    for room, part in (("Gallery", ".gallery"), ("Models", ".library")):
        judged.get_by_role("tab", name=room).click()
        expect(judged.locator(part)).to_be_visible()
        clean(judged, room)


@pytest.mark.parametrize("room", BENCHES)
def test_every_bench(judged: Page, room: str) -> None:
    for name in BENCHES[room]:
        open_bench(judged, name, room)
        clean(judged, f"{room}, {name}")
