"""A picture to start from: as much is made anew as asked, only where the mask says, with diffusers' own numbers."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import bundle, loading
from pipelines.diffusion.run import Run
from pipelines.diffusion.start import feathered, fitted, painted_part, pooled
from pipelines.errors import BadRequest, NotFound
from pipelines.events import Frame, Result, StopEarly
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.limits import FEATHER
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.inputs import InputStore
from tests.tiny import tiny_model, tiny_pipeline

SIDE = 64
START, MASK = "1" * 64, "2" * 64


def scene(height: int = 48, width: int = 80) -> np.ndarray:
    """Smooth colours, as a photograph has them: uint8 (height, width, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = [np.sin(rows / 9 + i) + np.cos(columns / (7 + i)) for i in range(3)]
    return (np.stack(waves, axis=-1) * 60 + 128).clip(0, 255).astype(np.uint8)


def mask(*parts: tuple[slice, slice], side: int = SIDE) -> np.ndarray:
    """White in these parts, uint8 (side, side, 3)."""
    levels = np.zeros((side, side, 3), np.uint8)
    for part in parts:
        levels[part] = 255
    return levels


PICTURE = scene()
MIDDLE = mask((slice(18, 45), slice(9, 30)))
OUTSIDE = MIDDLE[..., 0] == 0


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the models "tiny" and "kl"."""
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    tiny_model(folder / "kl", "kl", "epsilon")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def request(picture: np.ndarray | None = PICTURE, painted: np.ndarray | None = None, **values: Any) -> Any:
    """A request with its pictures attached."""
    common = {"prompt": "a red circle", "model": "tiny", "num_inference_steps": 5, "seed": 7, "upscale": "none"}
    size = {"width": SIDE, "height": SIDE}
    named = {"image": "" if picture is None else START, "mask_image": "" if painted is None else MASK}
    parsed = TextToImageRequest.parse(common | size | named | values)
    return parsed.with_pictures({START: picture, MASK: painted}.__getitem__)


def paint(devices: DeviceManager, picture: np.ndarray | None = PICTURE, painted: Any = None, **values: Any) -> Result:
    *_, result = TextToImage().stream(request(picture, painted, **values), devices)
    assert isinstance(result, Result)
    return result


def loaded(home: Path, name: str = "kl") -> bundle.Bundle:
    return loading.load(models.inspect(home / name))


def prepared(home: Path, devices: DeviceManager, *given: Any, **values: Any) -> Run:
    asked = request(*given, **{"model": "kl"} | values)
    return Run.prepare(asked, loaded(home, asked.model), devices)


# --- strength --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("steps", "strength", "walked"), [(10, 0.6, 6), (4, 0.05, 1), (10, 1, 10), (7, 0.5, 3)])
def test_the_last_part_of_the_steps_is_walked_and_only_these_are_shown(home, devices, steps, strength, walked):
    *events, result = TextToImage().stream(request(num_inference_steps=steps, strength=strength), devices)
    frames = [event for event in events if isinstance(event, Frame)]
    assert [(f.index, f.total) for f in frames] == [(i, walked) for i in range(walked + 1)]
    assert result.steps_done == walked and not result.unfinished
    assert result.recipes[0]["request"] | {"strength": strength, "image": START} == result.recipes[0]["request"]


def test_the_first_frame_shows_the_picture_as_the_guess_and_under_noise(home, devices):
    frame = next(e for e in TextToImage().stream(request(strength=0.4), devices) if isinstance(e, Frame))
    model = loaded(home, "tiny")
    latents = model.encode_picture(fitted(PICTURE, SIDE, SIDE))
    assert np.array_equal(frame.x0_pred[0], model.preview(latents[None])[0])
    assert not np.array_equal(frame.x, frame.x0_pred)


@pytest.mark.parametrize("strength", [0.2, 0.6, 1.0])
def test_the_run_starts_from_the_pictures_latents_under_the_noise_of_the_first_step(home, devices, strength):
    """At strength 1 this is the noise from which the same seed starts without a picture, but for its trace."""
    run, pure = prepared(home, devices, strength=strength), prepared(home, devices, None)
    sigma = float(pure.path.sigmas[len(pure.path) - len(run.path)])
    noise = pure.start() / (1 + float(pure.path.sigmas[0]) ** 2) ** 0.5
    latents = run.model.encode_picture(fitted(PICTURE, SIDE, SIDE))
    assert torch.allclose(run.start(), latents + sigma * noise, atol=1e-5)
    assert run.path.sigmas.tolist() == pure.path.sigmas.tolist()[-len(run.path) - 1 :]
    assert (strength < 1) == (len(run.path) < len(pure.path))


def test_the_less_strength_the_nearer_is_the_result_to_the_picture_through_the_autoencoder(home, devices):
    model = loaded(home, "tiny")
    itself = model.decode(model.encode_picture(fitted(PICTURE, SIDE, SIDE))).astype(float)
    strengths = (0.05, 0.35, 1.0)
    made = [paint(devices, num_inference_steps=20, guidance_scale=1, strength=s).images[0] for s in strengths]
    far = [float(np.abs(picture - itself).mean()) for picture in made]
    assert far == sorted(far) and far[0] < far[-1] / 3


def test_the_picture_decides_and_the_seed_varies(home, devices):
    first = paint(devices, strength=0.5).images
    assert not np.array_equal(first, paint(devices, scene()[::-1].copy(), strength=0.5).images)
    assert not np.array_equal(first, paint(devices, strength=0.5, seed=8).images)


# --- the mask --------------------------------------------------------------------------------------------------------


def test_a_soft_mask_lets_the_picture_through_as_far_as_it_is_grey(home, devices):
    """Painted in full is what white lets show; half of the way back to the picture at a level of a half."""
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    grey = white.copy()
    grey[:, : SIDE // 2] = 153  # 0.6
    full, soft = (paint(devices, PICTURE, mask, mask_blur=0).images[0].astype(float) for mask in (white, grey))
    before = fitted(PICTURE, SIDE, SIDE).astype(float)
    expected = before + 0.6 * (full - before)
    assert np.abs(soft - expected)[:, : SIDE // 2].max() <= 0.5 + 1e-9
    assert np.array_equal(soft[:, SIDE // 2 :], full[:, SIDE // 2 :])


@pytest.mark.parametrize(
    "values", [{}, {"model": "kl"}, {"sampler": "euler_ancestral"}, {"strength": 1}, {"sampler": "heun"}], ids=str
)
def test_outside_the_mask_not_one_bit_changes_and_inside_it_does(home, devices, values):
    picture = paint(devices, PICTURE, MIDDLE, **values).images[0]
    before = fitted(PICTURE, SIDE, SIDE)
    assert np.array_equal(picture[OUTSIDE], before[OUTSIDE])
    assert (picture[22:41, 13:26] != before[22:41, 13:26]).any(axis=-1).mean() > 0.9


def test_a_mask_that_is_white_all_over_equals_no_mask_bit_for_bit(home, devices):
    everything = np.full((30, 50, 3), 255, np.uint8)
    assert np.array_equal(paint(devices, PICTURE, everything).images, paint(devices).images)


def test_where_the_mask_keeps_the_picture_every_guess_is_the_picture_and_the_state_is_it_under_noise(home, devices):
    run = prepared(home, devices, PICTURE, MIDDLE, sampler="dpmpp_2m", strength=0.8)
    start = run.start()
    latents = run.model.encode_picture(fitted(PICTURE, SIDE, SIDE))
    noise = (start - latents) / float(run.path.sigmas[0])
    kept = ~torch.from_numpy(pooled(~OUTSIDE, *latents.shape[1:])).expand_as(latents)
    for step in run.steps(start):
        assert torch.equal(step.x0_pred[0][kept], latents[kept])
        assert not torch.equal(step.x0_pred[0][~kept], latents[~kept])
        assert torch.allclose(step.x[0][kept], (latents + step.sigma * noise[0])[kept], atol=1e-4)


def test_stopped_early_the_kept_part_is_untouched_too(home, devices):
    stream: Any = TextToImage().stream(request(PICTURE, MIDDLE, strength=1), devices)
    next(event for event in stream if isinstance(event, Frame) and event.index == 2)
    result = [stream.throw(StopEarly()), *stream][-1]
    assert result.unfinished and result.recipes[0]["unfinished"] == {"step": 2, "of": 5}
    assert np.array_equal(result.images[0][OUTSIDE], fitted(PICTURE, SIDE, SIDE)[OUTSIDE])


# --- company ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("painted", [None, MIDDLE], ids=["picture", "mask"])
def test_a_batch_equals_its_pictures_made_alone_bit_for_bit(home, devices, painted):
    batch = paint(devices, PICTURE, painted, count=3).images
    alone = [paint(devices, PICTURE, painted, seed=7 + i).images[0] for i in range(3)]
    assert np.array_equal(batch, np.stack(alone))
    assert len({picture.tobytes() for picture in alone}) == 3


def test_other_jobs_at_the_same_time_change_no_bit(home, devices):
    asked: list[tuple[Any, ...]] = [(PICTURE, MIDDLE), (PICTURE, None), (None, None), (scene(90, 64), None)]
    alone = [paint(devices, *given).images for given in asked]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i, given=given: together.update({i: paint(devices, *given).images}))
        for i, given in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(alone[i], together[i]) for i in range(4))


def test_the_recipe_makes_the_picture_again_from_what_is_kept(home, devices, tmp_path):
    inputs = InputStore(tmp_path)
    for name, pixels in (("a.png", PICTURE), ("b.png", MIDDLE[..., 0])):
        Image.fromarray(pixels).save(tmp_path / name)
    kept = [inputs.add((tmp_path / name).read_bytes()).id for name in ("a.png", "b.png")]
    asked = request(None).values() | {"image": kept[0], "mask_image": kept[1]}
    *_, first = TextToImage().stream(TextToImageRequest.parse(asked).with_pictures(inputs.load), devices)
    assert isinstance(first, Result) and np.array_equal(first.images, paint(devices, PICTURE, MIDDLE).images)
    again = TextToImageRequest.parse(first.recipes[0]["request"]).with_pictures(inputs.load)
    *_, second = TextToImage().stream(again, devices)
    assert isinstance(second, Result) and np.array_equal(first.images, second.images)


# --- what cannot be painted ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mask_image": MASK}, "mask_image needs the picture that it masks"),
        ({"image": START, "strength": 0.01}, "strength must be 0.05 to 1; got 0.01"),
        ({"image": START, "strength": 1.2}, "strength must be 0.05 to 1"),
        ({"image": "../../etc/passwd"}, "image must be the id of a kept picture"),
        ({"image": 3}, "image must be the id of a kept picture"),
    ],
)
def test_values_that_do_not_go_together_are_refused(values, words):
    with pytest.raises(BadRequest, match=words):
        TextToImageRequest.parse(values)


def test_a_mask_without_white_has_nothing_to_paint(home, devices):
    with pytest.raises(BadRequest, match="nothing to paint"):
        paint(devices, PICTURE, MIDDLE * 0 + 127)
    cut_away = np.zeros((SIDE, 4 * SIDE, 3), np.uint8)
    cut_away[:, :SIDE] = 255
    with pytest.raises(BadRequest, match="nothing to paint"):
        paint(devices, PICTURE, cut_away)
    assert all(not held["leases"] for held in devices.loaded())


def test_a_picture_that_nobody_handed_over_is_said(home, devices):
    with pytest.raises(NotFound, match="image names was not handed over"):
        list(TextToImage().stream(TextToImageRequest.of(model="tiny", image=START), devices))


# --- fitting, masks, feather -----------------------------------------------------------------------------------------


def test_a_picture_of_the_right_size_is_taken_as_it_is():
    assert np.array_equal(fitted(PICTURE, 80, 48), PICTURE)


@pytest.mark.parametrize("shape", [(48, 80), (80, 48), (8, 128), (2048, 128), (8, 8)])
def test_a_picture_of_any_shape_covers_the_whole_and_shows_its_middle(shape):
    levels = np.zeros((*shape, 3), np.uint8)
    height, width = shape
    side = min(shape)
    top, left = (height - side) // 2, (width - side) // 2
    levels[top : top + side, left : left + side] = 200
    assert np.abs(fitted(levels, 64, 64)[24:40, 24:40].astype(int) - 200).max() <= 20  # Lanczos swings at edges
    assert fitted(levels, 96, 64).shape == (64, 96, 3)


def test_no_painted_pixel_of_a_large_mask_is_missed():
    for row, column in ((0, 0), (1000, 517), (2047, 2047)):
        dot = np.zeros((2048, 2048, 3), np.uint8)
        dot[row, column] = 255
        assert np.argwhere(painted_part(dot, 64, 64)).tolist() == [[row // 32, column // 32]]


def test_a_mask_of_the_right_size_is_taken_as_it_is_and_grey_counts_from_the_middle_on():
    levels = np.random.default_rng(0).integers(0, 256, (64, 96), np.uint8)
    assert np.array_equal(painted_part(levels[..., None].repeat(3, axis=2), 96, 64), levels >= 128)


def test_a_latent_pixel_is_free_as_soon_as_one_of_its_pixels_is():
    painted = np.zeros((64, 96), bool)
    painted[17, 95] = True
    assert np.argwhere(pooled(painted, 8, 12)).tolist() == [[2, 11]]


def test_the_feather_lies_inside_the_mask_and_reaches_all_in_its_middle():
    painted = MIDDLE[..., 0] > 0
    share = feathered(painted)
    assert (share[~painted] == 0).all() and (share[painted] > 0).all()
    assert share[30, 9 : 9 + FEATHER].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert (share[18 + FEATHER : 45 - FEATHER, 9 + FEATHER : 30 - FEATHER] == 1).all()


def test_a_thin_stroke_shows_and_the_edge_of_the_picture_is_no_edge_of_the_mask():
    stroke = mask((slice(20, 23), slice(None)), (slice(40, 41), slice(10, 20)))[..., 0] > 0
    share = feathered(stroke)
    assert share[20:23, 0].tolist() == [0.5, 1.0, 0.5] and (share[40, 10:20] == 1).all()
    assert (feathered(np.ones((16, 16), bool)) == 1).all()


# --- the same numbers as diffusers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["AutoencoderKL", "AutoencoderTiny", "AutoencoderDC"])
def test_a_picture_becomes_the_latents_that_the_autoencoder_says(home, kind):
    model = loaded(home)
    if kind == "AutoencoderTiny":
        model.vae = loaded(home, "tiny").vae
    if kind == "AutoencoderDC":
        model.vae = tiny_dc()
    pixels = torch.from_numpy(fitted(PICTURE, SIDE, SIDE)).permute(2, 0, 1)[None] / 127.5 - 1
    with torch.inference_mode():
        said = model.vae.encode(pixels, return_dict=False)[0]
    latents = said.mean if kind == "AutoencoderKL" else said
    ours = model.encode_picture(fitted(PICTURE, SIDE, SIDE))
    assert ours.ndim == 3 and latents.std() > 0
    assert torch.allclose(ours, latents[0] * model.vae.config.scaling_factor)


def test_a_shift_of_the_latents_is_taken_off_and_put_back(home):
    model = loaded(home)
    before = model.encode_picture(PICTURE)
    picture = model.decode(before)
    model.vae.register_to_config(shift_factor=0.5)
    shifted = model.encode_picture(PICTURE)
    assert torch.allclose(shifted, before - 0.5 * model.vae.config.scaling_factor, atol=1e-6)
    assert np.abs(model.decode(shifted).astype(int) - picture).max() <= 1


def tiny_dc() -> Any:
    from diffusers import AutoencoderDC

    torch.manual_seed(0)
    return AutoencoderDC(
        latent_channels=8,
        attention_head_dim=8,
        encoder_block_out_channels=(8, 16, 16),
        decoder_block_out_channels=(8, 16, 16),
        encoder_layers_per_block=(1, 1, 1),
        decoder_layers_per_block=(1, 1, 1),
        encoder_qkv_multiscales=((), (), ()),
        decoder_qkv_multiscales=((), (), ()),
        scaling_factor=0.4,
    ).eval()


def diffusers_pipeline(kind: str, run: Run, prediction_type: str) -> Any:
    """The pipeline around our model's own parts, with DDIM on the timesteps that our path visits."""
    from diffusers import DDIMScheduler

    pipeline = tiny_pipeline("kl", prediction_type)
    parts = {"vae": run.model.vae, "unet": run.model.unet, "text_encoder": run.model.text_encoder}
    scheduler = DDIMScheduler.from_config(pipeline.scheduler.config, timestep_spacing="trailing", set_alpha_to_one=True)
    others = {"tokenizer": pipeline.tokenizer, "scheduler": scheduler, "safety_checker": None}
    built = kind_of(kind)(**parts, **others, feature_extractor=None, image_encoder=None, requires_safety_checker=False)
    built.set_progress_bar_config(disable=True)
    return built


def kind_of(name: str) -> Any:
    import diffusers

    libs.diffusers()
    return getattr(diffusers, name)


ASKED = {"num_inference_steps": 10, "guidance_scale": 2.5}


@pytest.mark.parametrize("strength", [0.3, 0.75, 1.0])
def test_our_loop_equals_diffusers_image_to_image(home, devices, strength):
    run = prepared(home, devices, sampler="ddim", negative_prompt="a cat", strength=strength, **ASKED)
    pipeline = diffusers_pipeline("StableDiffusionImg2ImgPipeline", run, "epsilon")
    latents = run.model.encode_picture(fitted(PICTURE, SIDE, SIDE))[None]
    seed = torch.Generator().manual_seed(7)
    more = {"negative_prompt": "a cat", "generator": seed, "output_type": "latent", "eta": 0.0}
    theirs = pipeline("a red circle", image=latents, strength=strength, **ASKED, **more).images
    *_, last = run.steps(run.start())
    assert theirs.std() > 0.1 and len(run.path) == int(10 * strength)
    assert (last.x - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.std()))


@pytest.mark.parametrize("strength", [0.4, 0.9])
def test_our_loop_equals_diffusers_inpainting(home, devices, strength):
    aligned = mask((slice(16, 48), slice(8, 32)))  # on the grid of latents, as diffusers samples the mask at points
    run = prepared(home, devices, PICTURE, aligned, sampler="ddim", strength=strength, **ASKED)
    pipeline = diffusers_pipeline("StableDiffusionInpaintPipeline", run, "epsilon")
    latents = run.model.encode_picture(fitted(PICTURE, SIDE, SIDE))[None]
    seed = torch.Generator().manual_seed(7)
    given = {"image": latents, "masked_image_latents": latents, "mask_image": Image.fromarray(aligned[..., 0])}
    more = {"height": SIDE, "width": SIDE, "generator": seed, "output_type": "latent", "eta": 0.0}
    theirs = pipeline("a red circle", **given, strength=strength, **ASKED, **more).images
    *_, last = run.steps(run.start())
    assert theirs.std() > 0.1
    assert (last.x - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.std()))
