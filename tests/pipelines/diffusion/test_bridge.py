"""The bridge: pipelines of diffusers that no loop of ours paints give the same numbers here as when called plainly."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiffusionPipeline, EulerDiscreteScheduler

from pipelines import models
from pipelines.device.manager import DeviceManager
from pipelines.diffusion import counter, footprint
from pipelines.diffusion.bridge import asked, leading, model
from pipelines.diffusion.bridge.walk import Walk, WalkState
from pipelines.diffusion.leases import lease
from pipelines.diffusion.suited import suited
from pipelines.engine import registry
from pipelines.errors import BadFile, BadRequest
from pipelines.events import Frame, Result, StopEarly
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.bridged import classes
from pipelines.models.info import ModelInfo
from pipelines.models.library import scan
from pipelines.models.library.entry import base_name
from pipelines.requests.others import SketchRequest
from pipelines.requests.text_to_image import TextToImageRequest
from tests.tiny_bridge import KINDS, tiny_model

SIDE, STEPS, SCALE, SEED = 64, 4, 3.0, 5
PROMPT, NEGATIVE = "a red circle", "a cat"
CALLS_A_STEP = {"sana": 1, "auraflow": 1, "hunyuan": 1, "kandinsky": 1, "qwen": 2}
OTHER = "heun"  # a sampler that is none of theirs
SETTINGS: dict[str, Any] = {"seed": SEED, "width": SIDE, "height": SIDE, "upscale": "none"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("bridged")
    for kind in KINDS:
        tiny_model(folder / kind, kind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    return shutil.copytree(home / "auraflow", tmp_path / "copy")


def info_of(home: Path, kind: str) -> ModelInfo:
    return models.inspect(home / kind)


def request(home: Path, kind: str, **values: Any) -> TextToImageRequest:
    own = leading.own_sampler(info_of(home, kind))
    common = {"model": kind, "sampler": own, "num_inference_steps": STEPS, "guidance_scale": SCALE}
    words = {"prompt": PROMPT, "negative_prompt": NEGATIVE}
    return TextToImageRequest.of(**(SETTINGS | common | words | values))


def walked(home: Path, asked_for: TextToImageRequest, devices: DeviceManager, led: bool) -> list[WalkState]:
    info = info_of(home, asked_for.model)
    with model.lease(info, devices) as bridged, Walk(bridged, asked_for, led, 1) as walk:
        return list(walk)


def plainly(home: Path, kind: str, output_type: str, scheduler: Any = None, **more: Any) -> torch.Tensor:
    """What diffusers itself makes of the folder."""
    torch.set_num_threads(1)
    pipeline = DiffusionPipeline.from_pretrained(str(home / kind), local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    if scheduler is not None:
        pipeline.scheduler = scheduler(pipeline.scheduler.config)
    told = asked.Call.of(info_of(home, kind)).arguments(request(home, kind), own_eta=True)
    noise = torch.Generator("cpu").manual_seed(SEED)
    return torch.as_tensor(pipeline(**told, **more, generator=noise, output_type=output_type).images)


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Within 1e-5 where latents have the deviation 1 of trained models; random weights make larger ones."""
    assert b.std() > 0.1
    return float((a - b).abs().max()) <= 1e-5 * max(1.0, float(b.std()))


def paint(devices: DeviceManager, asked_for: TextToImageRequest) -> tuple[list[Frame], Result]:
    events = list(TextToImage().stream(asked_for, devices))
    assert isinstance(events[-1], Result)
    return [event for event in events if isinstance(event, Frame)], events[-1]


# --- the numbers ---


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_pipeline_ends_in_the_same_latents_and_picture_as_when_it_is_called_plainly(home, devices, kind):
    *_, last = walked(home, request(home, kind), devices, led=False)
    assert close(last.x, plainly(home, kind, "latent"))
    _, result = paint(devices, request(home, kind))
    picture = plainly(home, kind, "np").numpy()
    assert np.abs(result.images / 255 - picture).max() < 0.51 / 255 and picture.std() > 0.01


@pytest.mark.parametrize("kind", ["auraflow", "qwen"])
def test_a_sampler_of_ours_that_leads_a_flow_ends_where_the_pipelines_own_does(home, devices, kind):
    *_, last = walked(home, request(home, kind, sampler="euler"), devices, led=True)
    assert close(last.x, plainly(home, kind, "latent"))


def test_a_sampler_of_ours_that_leads_a_dpm_solver_comes_to_the_same_with_more_steps(home, devices):
    """Their levels differ a little, as the solver's first is not pure noise; what both approach is the same."""
    apart = []
    for steps in (20, 80):
        both = (walked(home, request(home, "sana", num_inference_steps=steps), devices, led) for led in (True, False))
        ours, own = (shown[-1].x for shown in both)
        apart.append(float((ours - own).abs().max() / own.std()))
    assert apart[1] < 0.02 and apart[1] < apart[0] / 4


def test_a_sampler_of_ours_leads_a_variance_preserving_network_as_diffusers_does(home, devices):
    def euler(config: Any) -> Any:
        return EulerDiscreteScheduler.from_config(config, timestep_spacing="trailing")

    asked_for = request(home, "hunyuan", sampler="euler")
    start, *_, last = walked(home, asked_for, devices, led=True)
    as_euler_begins = start.x * (1 + start.sigma**2) ** 0.5 / start.sigma
    assert close(last.x, plainly(home, "hunyuan", "latent", euler, latents=as_euler_begins))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("led", [False, True])
def test_what_is_shown_last_is_clean_and_all_before_it_noisier(home, devices, kind, led):
    shown = walked(home, request(home, kind), devices, led)
    sigmas = [one.sigma for one in shown]
    assert sigmas == sorted(sigmas, reverse=True) and sigmas[-1] == 0
    assert [one.index for one in shown] == list(range(STEPS + 1))
    final = shown[-1]
    # the last step of first-order solvers goes all the way to its guess
    guess = final.x0_pred
    assert guess is not None and float((final.x - guess).abs().max()) <= 1e-3 * float(final.x.abs().max())


@pytest.mark.parametrize("sampler", ["heun", "unipc", "euler_ancestral", "dpmpp_sde", "lms"])
def test_every_kind_of_sampler_leads(home, devices, sampler):
    frames, result = paint(devices, request(home, "auraflow", sampler=sampler))
    assert [frame.index for frame in frames] == list(range(STEPS + 1)) and result.images.std() > 0
    again = paint(devices, request(home, "auraflow", sampler=sampler))[1]
    assert np.array_equal(result.images, again.images)


def test_a_beta_schedule_and_a_spacing_move_the_steps_and_not_their_number(home, devices):
    sigmas = set()
    for values in ({}, {"beta_schedule": "cosine"}, {"sigma_schedule": "karras"}):
        frames, _ = paint(devices, request(home, "hunyuan", sampler="euler", **values))
        assert len(frames) == STEPS + 1
        sigmas.add(tuple(round(frame.sigma, 4) for frame in frames))
    assert len(sigmas) == 3


# --- the stream ---


@pytest.mark.parametrize("kind", KINDS)
def test_there_is_a_frame_for_every_step_and_one_for_the_start(home, devices, kind):
    frames, result = paint(devices, request(home, kind))
    assert [(frame.index, frame.total) for frame in frames] == [(i, STEPS) for i in range(STEPS + 1)]
    assert len({frame.x.shape for frame in frames}) == 1 and frames[0].x.ndim == 4
    assert len({frame.x.tobytes() for frame in frames}) >= STEPS  # a flow's last step may be too short to be seen
    assert result.images.shape == (1, SIDE, SIDE, 3) and not result.unfinished
    (recipe,) = result.recipes
    assert recipe["request"]["seed"] == SEED and recipe["model_hash"] == models.model_hash(info_of(home, kind))
    assert TextToImageRequest.parse(recipe["request"]) == request(home, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_latents_are_decoded_here_as_by_the_pipeline_and_frames_are_near_it(home, devices, kind):
    last = walked(home, request(home, kind), devices, led=False)[-1].x
    _, result = paint(devices, request(home, kind))
    with model.lease(info_of(home, kind), devices) as bridged:
        decoded = bridged.latents.picture(last, SIDE, SIDE)
        assert decoded is not None and np.abs(decoded.astype(int) - result.images[0]).max() <= 1
        # of the deviation that trained models' latents have
        latents = torch.randn(last.shape, generator=torch.Generator().manual_seed(1))
        rough = bridged.latents.preview_picture(latents, SIDE, SIDE)[0].astype(float)
        picture = bridged.latents.picture(latents, SIDE, SIDE)
    assert picture is not None
    f = SIDE // rough.shape[0]
    small = picture.reshape(SIDE // f, f, SIDE // f, f, 3).mean((1, 3))
    # a random decoder has little that a linear map could find; it must not be worse than one colour by much
    assert np.square(rough - small).mean() < 1.5 * np.square(small.mean((0, 1)) - small).mean()


@pytest.mark.parametrize("led", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_stopping_after_k_steps_makes_no_more_than_k_calls_and_frees_the_device(home, devices, kind, led):
    asked_for = request(home, kind, **({"sampler": "dpmpp_2m_sde"} if led else {}))
    info, calls = info_of(home, kind), []
    with model.lease(info, devices) as bridged:
        hook = bridged._parts[bridged.info.network].register_forward_pre_hook(lambda *_: calls.append(1))
        for k in (1, 2):
            calls.clear()
            with closing(TextToImage().stream(asked_for, devices)) as events:
                next(event for event in events if isinstance(event, Frame) and event.index == k)
            assert len(calls) == k * CALLS_A_STEP[kind]
        hook.remove()
    assert all(not held["leases"] for held in devices.loaded())
    assert not [thread for thread in threading.enumerate() if thread.name == "bridge"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("led", [False, True])
def test_stopped_early_the_guess_becomes_a_picture_without_another_call(home, devices, kind, led):
    asked_for = request(home, kind, **({"sampler": OTHER} if led else {}))
    calls: list[int] = []
    with model.lease(info_of(home, kind), devices) as bridged:
        hook = bridged._parts[bridged.info.network].register_forward_pre_hook(lambda *_: calls.append(1))
        stream = TextToImage().stream(asked_for, devices)
        frame = next(event for event in stream if isinstance(event, Frame) and event.index == 2)
        before = len(calls)
        result = stream.throw(StopEarly())
        hook.remove()
        assert len(calls) == before
    assert isinstance(result, Result) and result.unfinished and result.steps_done == 2
    assert result.recipes[0]["unfinished"] == {"step": 2, "of": STEPS} and result.images.std() > 0
    assert frame.index == 2 and next(stream, None) is None


def test_stopped_before_the_first_step_there_is_no_picture(home, devices):
    stream = TextToImage().stream(request(home, "sana"), devices)
    next(event for event in stream if isinstance(event, Frame))
    with pytest.raises(StopIteration):
        stream.throw(StopEarly())


def test_a_picture_has_the_same_pixels_alone_and_in_company(home, devices):
    both = paint(devices, request(home, "sana", count=2))
    alone = [paint(devices, request(home, "sana", seed=SEED + i))[1].images[0] for i in range(2)]
    assert np.array_equal(both[1].images, np.stack(alone)) and not np.array_equal(*alone)
    assert [frame.index for frame in both[0]] == list(range(2 * STEPS + 1)) and both[0][0].x.shape[0] == 2
    found: dict[int, np.ndarray] = {}

    def work(seed: int) -> None:
        found[seed] = paint(devices, request(home, "sana", seed=seed))[1].images[0]

    threads = [threading.Thread(target=work, args=(SEED + i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert np.array_equal(np.stack([found[SEED], found[SEED + 1]]), both[1].images)


# --- what it cannot be told ---


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("loras", "fox:0.8"),
        ("guidance_end", 0.5),
        ("guidance_curve", ((0.0, 9.0), (1.0, 1.0))),
        ("clip_skip", 2),
        ("tile", 64),
        ("hires_scale", 2.0),
        ("variation_strength", 0.5),
        ("guidance_rescale", 0.5),
        ("prompt", "a (red:1.4) circle"),
        ("prompt", "a [red:blue:0.5] circle"),
        ("negative_prompt", "a (cat)"),
    ],
)
def test_what_the_pipeline_cannot_be_told_is_refused_by_name(home, devices, field, value):
    with pytest.raises(BadRequest, match=field):
        paint(devices, request(home, "auraflow", **{field: value}))


@pytest.mark.parametrize("kind", KINDS)
def test_no_picture_and_no_addon_is_passed_over_in_silence(home, kind):
    """Whether it is installed or not: what is chosen by name or brought as a picture would change nothing."""
    info, given = (
        info_of(home, kind),
        ["image", "mask_image", "control_image", "control_model", "ip_image", "ip2_model"],
    )
    assert {"image", "loras", "control_model", "ip_model", "vae"} <= set(asked.unusable(info))
    for field in given:
        with pytest.raises(BadRequest, match=f"cannot be told {field}"):
            asked.Call.of(info).refuse_untold(request(home, kind).changed(**{field: "0" * 64}), led=True)


def test_a_setting_that_one_call_takes_and_another_does_not(home, devices):
    plain, other = (paint(devices, request(home, "hunyuan", guidance_rescale=v))[1].images for v in (0.0, 0.7))
    assert not np.array_equal(plain, other)
    assert "guidance_rescale" not in asked.unusable(info_of(home, "hunyuan"))
    assert "guidance_rescale" in asked.unusable(info_of(home, "sana"))


def test_brackets_are_words_where_the_prompt_is_plain(home, devices):
    frames, _ = paint(devices, request(home, "auraflow", prompt="a (red:1.4) circle", prompt_syntax="plain"))
    assert len(frames) == STEPS + 1


def test_a_scheduler_that_ours_cannot_lead_keeps_its_steps_and_says_so(home):
    info = info_of(home, "hunyuan")
    fixed = replace(info, configs=info.configs | {"scheduler": info.configs["scheduler"] | {"thresholding": True}})
    own, default, other = (request(home, "hunyuan", sampler=name) for name in ("ddpm", "dpmpp_2m", "heun"))
    assert leading.leads(fixed, own) == (False, "")
    led, note = leading.leads(fixed, default)
    assert not led and "DDPMScheduler, so sampler changes nothing" in note
    with pytest.raises(BadRequest, match="HunyuanDiTPipeline samples with its own DDPMScheduler.*Set sampler to ddpm"):
        leading.leads(fixed, other)
    with pytest.raises(BadRequest, match="beta_schedule"):
        asked.Call.of(fixed).refuse_untold(own.changed(beta_schedule="cosine"), leading.can_lead(fixed))


def test_what_the_library_refuses_is_a_sentence_that_names_the_pipeline(home, devices):
    with pytest.raises(BadRequest, match="SanaPipeline could not paint this: .*divisible by 32") as refused:
        paint(devices, request(home, "sana", width=80))
    assert "Traceback" not in str(refused.value) and "/" not in str(refused.value)
    assert all(not held["leases"] for held in devices.loaded())


def test_what_only_a_model_of_ours_can_do_says_so(home, devices):
    with pytest.raises(BadRequest, match="SanaPipeline, which paints through the bridge"):
        lease(info_of(home, "sana"), devices)


# --- strangers' folders ---


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("StableDiffusionImg2ImgPipeline", "needs a picture to start from"),
        ("StableDiffusionControlNetPipeline", "no painter from words alone"),
        ("AnimateDiffPipeline", "makes or reads videos"),
        ("CogVideoXPipeline", "makes or reads videos"),
        ("StableAudioPipeline", "makes sound"),
        ("StableCascadePriorPipeline", "no painter from words alone"),
        ("MyOwnPipeline", "diffusers has no pipeline of that name"),
        ("DiffusionPipeline", "diffusers has no pipeline of that name"),
    ],
)
def test_other_pipelines_are_refused_by_name_with_what_would_do(copy, name, told):
    rewrite(copy / "model_index.json", _class_name=name)
    with pytest.raises(BadFile, match=f"is a {name}, which .*{told}.*SanaPipeline"):
        models.inspect(copy)


def test_what_diffusers_takes_for_text_to_image_is_taken_here_but_what_follows_a_picture_or_films():
    for name in classes._named_by_diffusers():
        if not any(word in name for word in ("Control", "Helios")):
            assert classes.text_to_image(name).takes("prompt"), name


@pytest.mark.parametrize(
    "entry", [["my_code", "MyNet"], ["os", "system"], ["diffusers", "MyNet"], ["torch.nn", "Linear"]]
)
def test_a_class_of_another_library_is_refused_before_anything_of_it_is_imported(copy, entry):
    ran = copy.parent / "ran"
    (copy / "my_code.py").write_text(f"open({str(ran)!r}, 'w')\nclass MyNet: pass\n", encoding="utf-8")
    rewrite(copy / "model_index.json", transformer=entry)
    with pytest.raises(BadFile, match="transformer in model_index.json is .*never code of a model's own"):
        models.inspect(copy)
    assert not ran.exists() and "my_code" not in sys.modules


def test_looking_a_folder_over_imports_none_of_the_libraries(home):
    code = (
        "import sys; from pipelines import models; from pipelines.diffusion import suited, footprint;"
        "info = models.inspect(models.find('sana'));"
        "suited.suited(info); print(info.pipeline, sys.modules.keys() & {'torch', 'diffusers', 'transformers'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "SanaPipeline set()"


@pytest.mark.parametrize(
    ("file", "values", "told"),
    [
        ("text_encoder/config.json", {"auto_map": {"AutoModel": "evil.Net"}}, "code of its own"),
        ("text_encoder/config.json", {"text_config": {"auto_map": {}}}, "code of its own"),
        ("transformer/config.json", {"quantization_config": {"quant_method": "bnb"}}, "quantization_config"),
        ("transformer/config.json", {"num_mmdit_layers": 2**21}, "at most"),
        ("text_encoder/config.json", {"text_config": {"hidden_size": 2**19}}, "at most"),
        ("text_encoder/config.json", {"_attn_implementation": "who/kernel"}, "to be fetched"),
        ("text_encoder/adapter_config.json", {"base_model_name_or_path": "who/what"}, "adapter"),
        ("tokenizer/tokenizer_config.json", {"auto_map": {}}, "code of its own"),
    ],
)
def test_what_would_fetch_run_or_build_something_else_is_refused(copy, file, values, told):
    rewrite(copy / file, **values)
    with pytest.raises(BadFile, match=told):
        models.inspect(copy)


def test_pickles_and_links_out_are_refused(copy, tmp_path):
    (weights,) = (copy / "transformer").glob("*.safetensors")
    weights.rename(copy / "transformer" / "diffusion_pytorch_model.bin")
    with pytest.raises(BadFile, match="pickle"):
        models.inspect(copy)
    (tmp_path / "outside.safetensors").write_bytes((copy / "transformer/diffusion_pytorch_model.bin").read_bytes())
    weights.symlink_to(tmp_path / "outside.safetensors")
    with pytest.raises(BadFile, match="leads out"):
        models.inspect(copy)


def test_parts_that_are_not_what_their_place_needs_are_refused(copy, devices):
    rewrite(copy / "model_index.json", text_encoder=["transformers", "pipeline"])
    with pytest.raises(BadFile, match="text_encoder"):
        model.load(models.inspect(copy))
    rewrite(copy / "model_index.json", text_encoder=["transformers", "NoSuchModel"])
    with pytest.raises(BadFile, match="NoSuchModel"):
        model.load(models.inspect(copy))


def test_weights_of_another_network_are_refused(copy):
    rewrite(copy / "transformer" / "config.json", num_attention_heads=8)
    with pytest.raises(BadFile, match="transformer"):
        model.load(models.inspect(copy))


# --- around it ---


def test_the_library_names_the_pipeline_and_the_settings_are_its_own(home):
    _, found = scan.recognised(home / "sana")
    assert (found.kind, found.unusable, found.dtype) == ("pipeline", "", "float32")
    assert base_name(found.architecture) == "SanaPipeline"
    told = suited(info_of(home, "sana"))
    assert told == {"width": 64, "height": 64, "num_inference_steps": 20, "guidance_scale": 4.5, "sampler": "dpmpp_2m"}
    assert suited(info_of(home, "qwen"))["width"] == 1024 and suited(info_of(home, "qwen"))["sampler"] == "euler"


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_true_to_the_weights(home, devices, kind):
    info = info_of(home, kind)
    told = footprint.estimate(info, request(home, kind), devices)
    with model.lease(info, devices) as bridged:
        assert abs(told.weights - bridged.nbytes) < 0.05 * bridged.nbytes
    assert told.way == "more" and told.needed >= told.weights and told.pipeline == info.pipeline
    assert "on top" in told.sentence and "loras" in told.untold


def test_a_sketch_and_the_token_counter_work(home, devices):
    frames = [e for e in registry.get("sketch").stream(SketchRequest(PROMPT, model="sana", seed=1), devices)]
    frames = [event for event in frames if isinstance(event, Frame)]
    assert [frame.index for frame in frames] == [1, 2, 3, 4] and frames[-1].x0_pred.shape == (1, 64, 64, 3)
    few, more = (counter.count(counter.CountRequest(prompt=p, model="sana")) for p in ("a cat", "a cat and a dog"))
    assert few.tokens < more.tokens and few.room == 298


def rewrite(file: Path, **values: Any) -> None:
    config = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps(config | values), encoding="utf-8")
