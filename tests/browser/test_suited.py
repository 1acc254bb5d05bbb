"""Another model brings what suits it, in a real browser, with models of two kinds in the folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

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
    rest(page, quiet=3000)  # until the page knows that the model brought it; on a busy machine answers are far apart
    choose(page, "small-sd")
    expect(sampler).to_have_value(before)


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
