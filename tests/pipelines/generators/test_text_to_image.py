"""Prompt to picture over a miniature model: the same pixels everywhere, and diffusers' own numbers."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipelines import libs, models
from pipelines.device.manager import DeviceManager
from pipelines.device.worker import Worker
from pipelines.diffusion import loading
from pipelines.diffusion.architectures.unet import UNetNetwork
from pipelines.diffusion.conditions import Conditions
from pipelines.diffusion.denoiser import Denoiser
from pipelines.diffusion.enlarging.upscaler import upscale
from pipelines.diffusion.preview import fitted_preview
from pipelines.diffusion.run import Run
from pipelines.errors import BadFile, BadRequest, NotFound
from pipelines.events import Frame, Progress, Result, StopEarly
from pipelines.generators.text_to_image import TextToImage, warm
from pipelines.prompts import plain
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.theory.guidance import Guidance
from pipelines.theory.path import NoisePath
from pipelines.theory.process import trained_process, vp_scale
from pipelines.theory.samplers import SAMPLERS
from tests.tiny import tiny_model, tiny_pipeline


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the models "tiny" and "kl"."""
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny", "tiny", "v_prediction")
    tiny_model(folder / "kl", "kl", "epsilon")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


def request(**values: Any) -> TextToImageRequest:
    small = {"width": 64, "height": 64, "upscale": "none"}
    return TextToImageRequest.parse(
        {"prompt": "a red circle", "model": "tiny", "num_inference_steps": 4, "seed": 7} | small | values
    )


def paint(devices: DeviceManager, **values: Any) -> Result:
    *_, result = TextToImage().stream(request(**values), devices)
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize("model", ["tiny", "kl"])
def test_a_stream_tells_what_it_does_shows_every_step_and_ends_in_the_pictures(home, devices, model):
    *events, result = TextToImage().stream(request(model=model, count=2), devices)
    frames = [event for event in events if isinstance(event, Frame)]
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert stages[stages.count("loading") - 1 :] == [
        "loading",
        "encoding",
        "decoding",
        "decoding",
    ]
    assert [(f.index, f.total) for f in frames] == [(i, 4) for i in range(5)]
    assert [f.sigma for f in frames] == sorted((f.sigma for f in frames), reverse=True) and frames[-1].sigma == 0
    assert all(f.x.shape == f.x0_pred.shape == frames[0].x.shape and f.x.dtype == np.uint8 for f in frames)
    assert np.array_equal(frames[-1].x, frames[-1].x0_pred)
    assert result.images.shape == (2, 64, 64, 3) and not result.unfinished and result.steps_done == 4
    assert result.images.std() > 10  # a blank picture would make every comparison below true


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"guidance_rescale": 0.7},
        {"guidance_scale": 1},
        {"guidance_start": 0.25, "guidance_end": 0.75},
        {"sampler": "ddpm"},
        {"model": "kl"},
    ],
    ids=str,
)
def test_a_batch_equals_its_pictures_made_alone_bit_for_bit(home, devices, values):
    batch = paint(devices, count=4, **values).images
    alone = [paint(devices, seed=7 + i, **values).images[0] for i in range(4)]
    assert np.array_equal(batch, np.stack(alone))
    assert len({picture.tobytes() for picture in alone}) == 4


def test_guidance_of_0_paints_what_is_painted_without_the_prompt(home, devices):
    without = paint(devices, prompt="", guidance_scale=1.0).images
    assert np.array_equal(paint(devices, guidance_scale=0.0).images, without)
    half, one = (paint(devices, guidance_scale=scale).images for scale in (0.5, 1.0))
    assert not np.array_equal(half, one) and not np.array_equal(half, without)


def test_other_jobs_at_the_same_time_change_no_bit(home, devices):
    asked = [{"seed": 20 + i, "count": 1 + i % 2, "guidance_rescale": 0.3 * (i % 3)} for i in range(4)]
    alone = [paint(devices, **values).images for values in asked]
    together: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda i=i, values=values: together.update({i: paint(devices, **values).images}))
        for i, values in enumerate(asked)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(alone[i], together[i]) for i in range(4))


@pytest.mark.slow
def test_a_new_process_makes_the_same_pixels(home, devices, tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from pipelines.libs import prepare_environment; prepare_environment()\n"
        "from pipelines.device.manager import DeviceManager\n"
        "from pipelines.generators.text_to_image import TextToImage, TextToImageRequest\n"
        "r = {'prompt': 'a red circle', 'model': 'tiny', 'num_inference_steps': 4, 'guidance_rescale': 0.7}\n"
        "r = TextToImageRequest.parse(r | {'seed': 7, 'width': 64, 'height': 64, 'upscale': 'none'})\n"
        "*_, result = TextToImage().stream(r, DeviceManager('cpu', threads=1))\n"
        "np.save(sys.argv[1], result.images)\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.npy")], check=True, cwd=root, capture_output=True)
    assert np.array_equal(np.load(tmp_path / "a.npy"), paint(devices, guidance_rescale=0.7).images)


def test_the_recipe_alone_makes_the_picture_again(home, devices):
    result = paint(devices, count=3, seed=-1, sampler="euler_ancestral")
    recipe = result.recipes[2]
    again = TextToImageRequest.parse(recipe["request"])
    assert again.seed >= 0 and again.count == 1
    *_, same = TextToImage().stream(again, devices)
    assert isinstance(same, Result) and np.array_equal(same.images[0], result.images[2])
    assert recipe["model_hash"] == models.model_hash(models.inspect(home / "tiny")) and "unfinished" not in recipe


def test_a_random_seed_differs_each_time(home, devices):
    seeds = {paint(devices, seed=-1, num_inference_steps=1).recipes[0]["request"]["seed"] for _ in range(3)}
    assert len(seeds) == 3 and -1 not in seeds


@pytest.mark.parametrize("steps", [1, 3])
def test_stopped_early_it_gives_the_guess_of_the_last_step_as_unfinished(home, devices, steps):
    stream: Any = TextToImage().stream(request(model="kl"), devices)
    next(event for event in stream if isinstance(event, Frame) and event.index == steps)
    events = [stream.throw(StopEarly()), *stream]
    result = events[-1]
    assert isinstance(result, Result) and not any(isinstance(event, Frame) for event in events)
    assert result.unfinished and result.steps_done == steps
    assert result.recipes[0]["unfinished"] == {"step": steps, "of": 4}
    model = loading.load(models.inspect(home / "kl"))
    run = Run.prepare(request(model="kl"), model, devices)
    guesses = [step.x0_pred for step in run.steps(run.start())]
    assert np.array_equal(result.images[0], model.decode(guesses[steps - 1][0]))
    assert not np.array_equal(result.images, paint(devices, model="kl").images)
    assert all(not held["leases"] for held in devices.loaded())


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_stopped_before_the_first_guess_it_ends_without_a_picture(home, devices, taken):
    stream: Any = TextToImage().stream(request(), devices)
    for _ in range(taken):
        next(stream)
    with pytest.raises(StopIteration):
        stream.throw(StopEarly())
    assert all(not held["leases"] for held in devices.loaded())


def test_stopped_after_the_last_step_the_picture_is_finished(home, devices):
    stream: Any = TextToImage().stream(request(), devices)
    next(event for event in stream if isinstance(event, Frame) and event.index == 4)
    result = [stream.throw(StopEarly()), *stream][-1]
    assert not result.unfinished and np.array_equal(result.images, paint(devices).images)


def test_closing_the_stream_gives_the_model_back_and_evaluates_no_more(home, devices):
    stream: Any = TextToImage().stream(request(sampler="heun"), devices)
    next(event for event in stream if isinstance(event, Frame) and event.index == 1)
    leases = [held["leases"] for held in devices.loaded() if str(held["key"]).startswith("tiny")]
    assert leases == [2], "one since it was loaded, one to paint"
    before = devices.worker().stats.evaluations
    stream.close()
    assert all(not held["leases"] for held in devices.loaded())
    assert devices.worker().stats.evaluations == before


def test_guidance_outside_its_interval_costs_nothing(home, devices):
    def rows(**values: Any) -> int:
        before = devices.worker().stats.rows
        paint(devices, **values)
        return devices.worker().stats.rows - before

    assert rows() == 8 and rows(guidance_scale=1) == 4 and rows(guidance_start=0.25, guidance_end=0.75) == 6


def test_guidance_in_all_steps_is_what_it_was_and_in_none_there_is_none(home, devices):
    whole, none = (
        paint(devices, guidance_start=0.0, guidance_end=1.0),
        paint(devices, guidance_start=0.5, guidance_end=0.5),
    )
    assert np.array_equal(whole.images, paint(devices).images)
    assert np.array_equal(none.images, paint(devices, guidance_scale=1).images)
    assert not np.array_equal(none.images, whole.images)


def test_without_guidance_a_picture_pays_for_no_row_that_it_has_not(home, devices, monkeypatch):
    asked: list[int] = []
    forward = UNetNetwork.__call__
    monkeypatch.setattr(
        UNetNetwork, "__call__", lambda self, x, *a, **k: (asked.append(len(x)), forward(self, x, *a, **k))[1]
    )
    paint(devices, guidance_start=0.25, guidance_end=0.75)
    assert asked == [1, 2, 2, 1]


def test_the_negative_prompt_matters_and_guidance_one_leaves_it_out(home, devices):
    plain, pushed = paint(devices), paint(devices, negative_prompt="a green cat")
    assert not np.array_equal(plain.images, pushed.images)
    one = [paint(devices, guidance_scale=1, negative_prompt=text).images for text in ("", "a green cat")]
    assert np.array_equal(one[0], one[1])


def test_a_prompt_that_is_cut_off_and_an_eta_without_effect_are_noted(home, devices):
    notes = paint(devices, prompt="red " * 300, eta=0.5).recipes[0]["notes"]
    assert len(notes) == 2 and "224 tokens" in notes[0] and "76 were left out" in notes[0] and "eta" in notes[1]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_paints(home, devices, sampler):
    assert paint(devices, sampler=sampler, num_inference_steps=3, eta=0.5).images.std() > 10


def test_a_schedule_that_ends_low_gets_a_first_step_and_says_so(home, devices):
    *events, result = TextToImage().stream(request(beta_schedule="constant", beta_start=0.001), devices)
    assert [e.total for e in events if isinstance(e, Frame)] == [5] * 6 and result.steps_done == 5
    assert any("was added" in note for note in result.notes)


def test_warm_loads_the_model_and_leaves_it_idle(home):
    manager = DeviceManager("cpu", threads=1)
    warm(manager, "tiny")
    assert {held["key"].split("@")[0]: held["leases"] for held in manager.loaded()} == {"tiny": 0, "upscaler": 0}
    assert manager.worker().stats.evaluations == 1
    manager.close()


def test_latents_that_are_not_numbers_end_in_a_clear_error(home, devices):
    weights = home / "burst" / "unet" / "diffusion_pytorch_model.safetensors"
    tiny_model(home / "burst")
    tensors = load_file(weights)
    save_file(tensors | {"conv_out.weight": tensors["conv_out.weight"] * 1e38}, weights)
    with pytest.raises(BadRequest, match=r"became NaN in step 1 of 4"):
        paint(devices, model="burst")
    assert all(not held["leases"] for held in devices.loaded())


# --- enlarging -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("width", "height", "meant"), [(64, 128, "4x"), (64, 144, "2x"), (256, 64, "2x"), (64, 272, "none")]
)
def test_small_pictures_are_enlarged_by_themselves(width, height, meant):
    asked = TextToImageRequest.of(width=width, height=height)
    assert asked.upscale == "auto" and asked.resolved().upscale == meant
    assert TextToImageRequest.of(width=width, height=height, upscale="2x").resolved().upscale == "2x"


def test_the_decoded_picture_is_enlarged_and_the_recipe_alone_makes_it_again(home, devices):
    *events, result = TextToImage().stream(request(upscale="auto", count=2), devices)
    plain = paint(devices, count=2)
    assert isinstance(result, Result) and result.images.shape == (2, 256, 256, 3)
    assert all(np.array_equal(upscale(plain.images[i], 4, devices), result.images[i]) for i in range(2))
    stages = [event.stage for event in events if isinstance(event, Progress)]
    assert stages[-1] == "upscaling" and "decoding" not in stages[stages.index("upscaling") :]
    assert result.recipes[1]["request"]["upscale"] == "4x" and result.recipes[1]["request"]["width"] == 64
    *_, again = TextToImage().stream(TextToImageRequest.parse(result.recipes[1]["request"]), devices)
    assert isinstance(again, Result) and np.array_equal(again.images[0], result.images[1])


def test_stopped_while_it_is_enlarged_the_picture_is_kept_as_it_was_painted(home, devices):
    stream: Any = TextToImage().stream(request(upscale="4x"), devices)
    next(event for event in stream if isinstance(event, Progress) and event.stage == "upscaling")
    result = [stream.throw(StopEarly()), *stream][-1]
    assert np.array_equal(result.images, paint(devices).images) and not result.unfinished
    assert result.recipes[0]["request"]["upscale"] == "none" and "Stopped before" in result.recipes[0]["notes"][-1]
    assert all(not held["leases"] for held in devices.loaded())


def test_where_it_cannot_be_enlarged_the_picture_is_kept_with_the_reason(home, devices, monkeypatch):
    def damaged(devices: DeviceManager) -> Any:
        raise BadFile("the upscaler's weights are missing.")

    monkeypatch.setattr("pipelines.diffusion.enlarging.upscaler.lease", damaged)
    result = paint(devices, upscale="2x")
    assert np.array_equal(result.images, paint(devices).images)
    assert result.notes[-1] == "The picture was not enlarged: the upscaler's weights are missing."


def test_a_model_that_is_not_here_is_named_with_those_that_are(home, devices):
    with pytest.raises(NotFound, match=r"'aigc-none' is not installed; installed are: .*tiny"):
        list(TextToImage().stream(TextToImageRequest.of(model="aigc-none"), devices))


def test_too_much_work_is_refused_with_the_most_that_fits():
    with pytest.raises(BadRequest, match="32 steps for 16 pictures, or 5 pictures in 100 steps"):
        TextToImageRequest.of(width=1024, height=1024, count=16, num_inference_steps=100).check()
    TextToImageRequest.of(width=1024, height=1024, count=16, num_inference_steps=32).check()
    TextToImageRequest.of(width=1024, height=1024, count=5, num_inference_steps=100).check()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"guidance_start": 0.6, "guidance_end": 0.5}, "guidance_start must be at most guidance_end"),
        ({"beta_start": 0.02, "beta_end": 0.01}, "beta_start must be less than beta_end"),
        ({"beta_schedule": "linear", "num_train_timesteps": 10}, "num_inference_steps must be at most"),
        ({"width": 65}, "width must be 64 plus a multiple of 8"),
        ({"seed": 2**64}, "seed must be -1 to"),
    ],
)
def test_values_that_do_not_go_together_are_refused(home, values, words):
    with pytest.raises(BadRequest, match=words):
        request(**{"num_inference_steps": 20} | values)


def test_the_page_can_read_the_fields_without_torch():
    code = "import sys; from pipelines.generators.text_to_image import TextToImage as t; t.request_type.fields(); "
    code += "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers')))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


# --- the same numbers as diffusers -----------------------------------------------------------------------------------


def _path(scheduler: Any, name: str) -> NoisePath:
    """The points that diffusers' scheduler visits."""
    if name == "DDIMScheduler":
        at = scheduler.alphas_cumprod[scheduler.timesteps].double()
        sigmas = torch.cat([((1 - at) / at).sqrt(), torch.zeros(1, dtype=torch.float64)])
    else:
        sigmas = scheduler.sigmas.double()
    return NoisePath(sigmas, scheduler.timesteps.double())


@pytest.mark.slow
@pytest.mark.parametrize(("prediction_type", "rescale"), [("epsilon", 0.0), ("v_prediction", 0.7), ("sample", 0.0)])
@pytest.mark.parametrize(
    ("scheduler", "sampler", "extra"),
    [
        ("DDIMScheduler", "ddim", {"set_alpha_to_one": True, "clip_sample": False}),
        ("EulerDiscreteScheduler", "euler", {}),
        ("DPMSolverMultistepScheduler", "dpmpp_2m", {}),
    ],
)
def test_our_loop_equals_diffusers_pipeline(home, scheduler, sampler, extra, prediction_type, rescale):
    pipeline = tiny_pipeline("kl", prediction_type)
    settings = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
    kind = getattr(libs.diffusers(), scheduler)
    pipeline.scheduler = kind(**settings, **extra, timestep_spacing="leading", prediction_type=prediction_type)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    asked = {"num_inference_steps": 10, "guidance_scale": 2.5, "guidance_rescale": rescale, "output_type": "latent"}
    theirs = pipeline("a red circle", negative_prompt="a cat", height=64, width=64, latents=noise, **asked).images

    ours = loading.load(models.inspect(home / "kl"))
    ours.unet.load_state_dict(pipeline.unet.state_dict())
    ours.text_encoder.load_state_dict(pipeline.text_encoder.state_dict())
    process = trained_process(settings | {"prediction_type": prediction_type, "num_train_timesteps": 1000})
    path = _path(pipeline.scheduler, scheduler)
    worker = Worker(threads=torch.get_num_threads())
    conditions = Conditions.fixed(*(ours.read(plain(text), "original").condition for text in ("a red circle", "a cat")))
    network = UNetNetwork(ours.unet, "kl", batch_rows=2)  # the shape of diffusers' own calls
    denoiser = Denoiser(network, worker, process, path, conditions, Guidance(2.5, rescale))
    x = noise / vp_scale(float(path.sigmas[0]))
    *_, last = SAMPLERS[sampler](denoiser, x, path.sigmas, torch.randn_like)
    worker.close()
    assert theirs.std() > 0.1
    # random weights make latents of deviation up to 5; trained ones have about 1
    assert (last.x - theirs).abs().max() <= 1e-5 * max(1.0, float(theirs.std()))


# --- preview ---------------------------------------------------------------------------------------------------------


def test_a_fitted_preview_finds_a_linear_decoder():
    matrix = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)) * 0.1

    def decode(latents: torch.Tensor) -> torch.Tensor:
        rgb = torch.einsum("nchw,cr->nrhw", latents, matrix) + 0.25
        return rgb.repeat_interleave(8, 2).repeat_interleave(8, 3)

    preview = fitted_preview(decode, 6, "cpu")
    latents = torch.randn(2, 6, 5, 7)
    exact = (decode(latents)[:, :, ::8, ::8].permute(0, 2, 3, 1) + 1) * 127.5
    assert preview(latents).shape == (2, 5, 7, 3)
    assert np.abs(preview(latents) - exact.clamp(0, 255).numpy()).max() <= 1.01


def test_the_models_own_preview_shows_patches_in_their_place(home, devices):
    tiny_model(home / "shown")
    weight, bias = torch.zeros(6, 3, 8, 8), torch.zeros(3, 8, 8)
    bias[0, 2, 5] = 1.0  # red at row 2, column 5 of every patch
    tensors = {"weight": weight.reshape(6, 192), "bias": bias.reshape(192)}
    save_file(tensors, home / "shown" / "preview.safetensors")
    frame = next(e for e in TextToImage().stream(request(model="shown"), devices) if isinstance(e, Frame))
    assert frame.x.shape == (1, 64, 64, 3)
    red = np.argwhere(frame.x[0, ..., 0] == 255)
    assert len(red) == 64 and (red % 8 == (2, 5)).all()


def test_a_preview_of_another_model_is_refused(home, devices):
    tiny_model(home / "odd")
    save_file({"weight": torch.zeros(4, 192), "bias": torch.zeros(192)}, home / "odd" / "preview.safetensors")
    with pytest.raises(BadFile, match="preview.safetensors"):
        paint(devices, model="odd")
