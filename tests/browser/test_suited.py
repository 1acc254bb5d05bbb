"""Another model brings what suits it, in a real browser, with models of two kinds in the folder."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from aigc_ui import page_files
from tests import tiny, tiny_bridge
from tests.browser.conftest import Studio, running
from tests.browser.visitor import pick, rest


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = tmp_path_factory.mktemp("models")
    tiny.tiny_model(home / "small-sd")
    tiny_bridge.tiny_model(home / "small-hunyuan", "hunyuan")
    with running(tmp_path_factory.mktemp("outputs"), AIGC_MODELS=str(home)) as studio:
        yield studio


def choose(page: Page, name: str) -> None:
    pick(page.locator("#model input"), name)


def test_a_sampler_that_a_model_brings_goes_with_it(visit):
    page = visit()
    sampler = page.locator("#sampler input")
    before = sampler.input_value()
    choose(page, "small-hunyuan")
    expect(sampler).not_to_have_value(before, timeout=20_000)
    rest(page)  # until the page knows that the model brought it
    choose(page, "small-sd")
    expect(sampler).to_have_value(before)


def test_a_choice_that_is_told_twice_keeps_the_sampler_that_it_brought_back(visit):
    """Gradio may tell one choice twice, the second time while the control still has the sampler before."""
    page = visit()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or "") if "/queue/join" in asked.url else None)
    choices = [("small-hunyuan", "dpmpp_2m"), ("small-sd", "ddpm"), ("small-sd", "ddpm")]
    page.evaluate(
        f"""async (choices) => {{
          const {{ modelChosen }} = await {page_files.entry()};
          for (const choice of choices) await modelChosen(...choice);
        }}""",
        choices,
    )
    rest(page)
    brought = [json.loads(body)["event_data"]["values"]["sampler"] for body in sent if '"sampler"' in body]
    assert brought == ["ddpm", "dpmpp_2m"]


def test_of_models_chosen_in_turn_the_last_one_counts(visit):
    page = visit()
    late = page.evaluate_handle("Promise.withResolvers()")
    page.evaluate(
        """(late) => {
          const real = window.fetch;
          window.fetch = async (url, asked) => {
            if (String(url).endsWith("suited") && asked.body.includes("hunyuan")) await late.promise;
            return real(url, asked);
          };
        }""",
        late,
    )
    steps = page.locator("#steps input[type=number]").first
    choose(page, "small-hunyuan")
    choose(page, "small-sd")
    expect(page.locator("#model input")).to_have_value("small-sd")
    page.wait_for_timeout(1000)
    there = steps.input_value()
    with page.expect_response(lambda answer: answer.url.endswith("suited")):
        page.evaluate("(late) => late.resolve()", late)
    page.wait_for_timeout(1500)
    assert steps.input_value() == there
