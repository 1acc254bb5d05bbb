"""The two panes of the live view: the noisy picture in one, the current guess in the other."""

from playwright.sync_api import Page

from tests.browser.visitor import finish, generate, look

STEP = 3

# How far what each pane shows is from each picture of the frame of that step: {"x": {"x", "x0"}, "x0": {"x", "x0"}}.
DIFFERENCES = """async (step) => {
  const { jobs: [{ id }] } = await (await fetch("api/v1/jobs")).json();
  const frames = await (await fetch(`api/v1/jobs/${id}/frames`)).json();
  const side = 64, frame = frames.find(({ index }) => index === step);
  const pixelsOf = (picture) => {
    const pen = new OffscreenCanvas(side, side).getContext("2d"), edge = Math.min(picture.width, picture.height);
    pen.drawImage(picture, (picture.width - edge) / 2, (picture.height - edge) / 2, edge, edge, 0, 0, side, side);
    return pen.getImageData(0, 0, side, side).data;
  };
  const decoded = async (source) => createImageBitmap(await (await fetch(source)).blob());
  const known = { x: pixelsOf(await decoded(frame.x)), x0: pixelsOf(await decoded(frame.x0)) };
  const between = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;
  return Object.fromEntries(["x", "x0"].map((pane) => {
    const shown = pixelsOf(document.getElementById(`live-${pane}`));
    return [pane, { x: between(shown, known.x), x0: between(shown, known.x0) }];
  }));
}"""


def test_the_noisy_picture_and_the_guess_are_each_in_their_own_pane(page: Page) -> None:
    look(page, "both")
    generate(page, "a fox", steps=12, seed=1)
    finish(page)
    scrub = page.locator("#live-scrub")
    scrub.evaluate("(r, v) => { r.value = v; r.dispatchEvent(new Event('input')); }", str(STEP))
    page.wait_for_timeout(300)
    differences = page.evaluate(DIFFERENCES, STEP)
    assert differences["x"]["x"] < differences["x"]["x0"] / 2, differences
    assert differences["x0"]["x0"] < differences["x0"]["x"] / 2, differences
