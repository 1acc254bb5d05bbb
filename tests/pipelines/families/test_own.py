"""Models of one's own in the families' room: they compute what diffusers computes, and are looked over before."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDIMPipeline, DDPMPipeline, DDPMScheduler, UNet2DModel, VQModel
from safetensors.torch import load_file, save_file

from pipelines import lab, libs
from pipelines.device.manager import DeviceManager
from pipelines.engine import registry
from pipelines.errors import BadFile, BadRequest, NotFound
from pipelines.events import Frame
from pipelines.families import Sampling, own
from pipelines.families.own import loading
from pipelines.families.own.autoencoders import OwnVae, OwnVq
from pipelines.families.own.denoising import OwnDiffusion
from tests.own_models import SIDE, ddim_folder, ddpm_folder, kl_folder, unet_folder, vq_folder

STEPS = 10
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
SCHEDULER = "scheduler/scheduler_config.json"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for models, in which the tests put theirs."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("AIGC_MODELS", str(folder))
    return folder


@pytest.fixture(scope="module")
def devices() -> Iterator[DeviceManager]:
    with contextlib.closing(DeviceManager("cpu")) as made:
        yield made


def opened(folder: Path) -> Any:
    return loading.load(own.inspect(folder))


def noise(count: int = 2, channels: int = 3) -> torch.Tensor:
    return torch.randn(count, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(7))


def nothing(count: int = 2) -> torch.Tensor:
    return torch.full((count,), -1)


def ended(states: Iterator[Any]) -> torch.Tensor:
    with torch.inference_mode():
        *_, last = states
    return last.x


def as_picture(x: torch.Tensor) -> torch.Tensor:
    return (x / 2 + 0.5).clamp(0, 1)


# --- the same numbers as diffusers ---

PROCESSES: dict[str, dict[str, Any]] = {
    "as DDPM's paper": {},
    "cosine": {"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 200},
    "betas of its own": {"beta_start": 0.001, "beta_end": 0.05, "num_train_timesteps": 100},
    "v": {"prediction_type": "v_prediction"},
    "x0": {"prediction_type": "sample"},
    "clipped elsewhere": {"clip_sample_range": 0.3},
    "trailing": {"timestep_spacing": "trailing"},
}


@pytest.mark.parametrize("name", PROCESSES)
def test_our_ddim_is_that_of_diffusers(tmp_path: Path, name: str) -> None:
    """With clip_sample, eps follows from the clipped guess on both sides."""
    folder = ddim_folder(tmp_path / "m", **PROCESSES[name])
    pipeline = DDIMPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    z = noise(1)
    theirs = pipeline(
        generator=torch.Generator().manual_seed(7),
        num_inference_steps=STEPS,
        use_clipped_model_output=True,
        output_type="pt",
        return_dict=False,
    )[0]
    ours = ended(opened(folder).states(z, nothing(1), Sampling(STEPS)))
    torch.testing.assert_close(as_picture(ours), theirs, atol=1e-5, rtol=0)
    assert theirs.std() > 0.02, "a grey picture would hide every difference"


@pytest.mark.parametrize("noise_config", [{"steps_offset": 1, "set_alpha_to_one": False}, {}])
def test_without_clipping_our_ddim_is_the_usual_one_of_diffusers(tmp_path: Path, noise_config: dict[str, Any]) -> None:
    few = {"clip_sample": False, "num_train_timesteps": 100, "beta_end": 0.02}
    folder = ddim_folder(tmp_path / "m", **few, **noise_config)
    pipeline = DDIMPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        generator=torch.Generator().manual_seed(7), num_inference_steps=7, output_type="pt", return_dict=False
    )[0]
    ours = ended(opened(folder).states(noise(1), nothing(1), Sampling(7)))
    torch.testing.assert_close(as_picture(ours), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", PROCESSES)
def test_our_ddpm_is_that_of_diffusers_with_the_same_draws(tmp_path: Path, name: str) -> None:
    folder = ddpm_folder(tmp_path / "m", **PROCESSES[name])
    pipeline = DDPMPipeline.from_pretrained(folder)
    pipeline.set_progress_bar_config(disable=True)
    theirs = pipeline(
        generator=torch.Generator().manual_seed(3), num_inference_steps=STEPS, output_type="np", return_dict=False
    )[0]
    draw = torch.Generator().manual_seed(3)
    z = torch.randn(1, 3, SIDE, SIDE, generator=draw)
    model = opened(folder)
    again = lambda x: torch.randn(x.shape, generator=draw).to(x)  # noqa: E731
    ours = ended(model.walk(z, nothing(1), STEPS, "ddpm", again))
    assert np.abs(as_picture(ours).permute(0, 2, 3, 1).numpy() - theirs).max() < 1e-5


def test_a_network_that_knows_classes_is_told_them(tmp_path: Path) -> None:
    folder = unet_folder(tmp_path / "m", num_class_embeds=3)
    model = opened(folder)
    assert isinstance(model, OwnDiffusion) and model.classes == 3
    x, network = noise(1), UNet2DModel.from_pretrained(folder)
    for label in range(3):
        sigma = float(model.process.sigmas[500])
        with torch.inference_mode():
            ours = model.predict(x * sigma, sigma, torch.tensor([label]))
            t, scale = torch.tensor(500), 1 / (1 + sigma**2) ** 0.5
            eps = network(x * sigma * scale, t, class_labels=torch.tensor([label])).sample
        torch.testing.assert_close(ours, (x * sigma - sigma * eps).clamp(-1, 1), atol=1e-4, rtol=0)
    first, second = (ended(model.states(x, torch.tensor([label]), Sampling(3))) for label in (0, 1))
    assert (first - second).abs().max() > 1e-3


def test_a_variance_that_is_learned_too_is_left_aside(tmp_path: Path) -> None:
    model = opened(ddpm_folder(tmp_path / "m", {"out_channels": 6}, variance_type="learned_range"))
    assert ended(model.states(noise(), nothing(), Sampling(2))).shape == (2, 3, SIDE, SIDE)


def test_encoding_finds_the_noise_from_which_a_picture_came(tmp_path: Path) -> None:
    model = opened(ddim_folder(tmp_path / "m", clip_sample=False, num_train_timesteps=100, beta_end=0.02))
    with torch.no_grad():
        x = ended(model.states(noise(1), nothing(1), Sampling(50)))
        z = model.encode(x.double(), nothing(1))
    torch.testing.assert_close(z.float(), noise(1), atol=0.05, rtol=0)


def test_there_and_back_is_the_autoencoder_s_own(tmp_path: Path) -> None:
    folder = kl_folder(tmp_path / "m")
    model, theirs = opened(folder), AutoencoderKL.from_pretrained(folder)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        torch.testing.assert_close(model.decode(model.encode(x)), theirs(x).sample, atol=1e-5, rtol=0)
        z = torch.randn(2, *model.z_shape)
        torch.testing.assert_close(ended(model.states(z, nothing(), Sampling())), theirs.decode(z).sample)
    assert isinstance(model, OwnVae) and model.z_shape == (4, 16, 16)


def test_codes_are_the_nearest_of_the_codebook_and_give_back_the_picture(tmp_path: Path) -> None:
    folder = vq_folder(tmp_path / "m")
    model, theirs = opened(folder), VQModel.from_pretrained(folder)
    assert isinstance(model, OwnVq)
    x = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        features = model.encode(x)
        codes = model.codes(features)
        gaps = torch.cdist(features.permute(0, 2, 3, 1).reshape(-1, 4), model.codebook)
        assert torch.equal(codes.flatten(), gaps.argmin(1)) and len(codes.unique()) > 1
        torch.testing.assert_close(model.decode(features), theirs(x).sample, atol=1e-5, rtol=0)
    assert model.colours().shape == (24, 3) and model.colours().std() > 0.2


# --- in the room ---


def run(devices: DeviceManager, **values: Any) -> list[Any]:
    generator = registry.get("family-own")
    return list(generator.stream(generator.request_type.parse(values), devices))


def ask(devices: DeviceManager, **values: Any) -> dict[str, Any]:
    experiment = lab.get("own-picture")
    return experiment.answer(experiment.request_type.parse(values), devices)


def test_what_lies_among_the_models_is_listed_with_what_it_can_do(here: Path) -> None:
    ddpm_folder(here / "cats")
    unet_folder(here / "bare", num_class_embeds=4)
    kl_folder(here / "kl")
    vq_folder(here / "vq")
    (here / "broken").mkdir()
    shutil.copytree(here / "cats", here / "broken", dirs_exist_ok=True)
    (here / "broken" / WEIGHTS).write_bytes(b"\x10\0\0")
    listing = own.listing()
    found = {model["name"]: (model["kind"], model["classes"], model["own_noise"]) for model in listing["models"]}
    assert found == {
        "cats": ("diffusion", 0, True),
        "bare": ("diffusion", 4, False),
        "kl": ("vae", 0, False),
        "vq": ("vq", 0, False),
    }
    assert [(bad["name"], "cut off" in bad["why"]) for bad in listing["refused"]] == [("broken", True)]
    assert own.names() == ("bare", "broken", "cats", "kl", "vq")


def test_older_pipelines_with_all_files_side_by_side_are_read(here: Path) -> None:
    folder = ddpm_folder(here / "flat", clip_sample_range=0.5)
    for file in [*(folder / "unet").iterdir(), *(folder / "scheduler").iterdir()]:
        file.rename(folder / file.name)
    (folder / "unet").rmdir()
    (folder / "scheduler").rmdir()
    assert opened(own.find("flat")).settings["clip_sample_range"] == 0.5


def test_samples_show_the_noisy_picture_and_the_guess_at_every_step(here: Path, devices: DeviceManager) -> None:
    ddpm_folder(here / "cats")
    events = run(devices, model="cats", samples=3, num_inference_steps=5)
    frames: list[Any] = [event for event in events if isinstance(event, Frame)]
    result = events[-1]
    assert [frame.index for frame in frames] == list(range(6)) and len(result.images) == 0
    assert all(frame.x.shape == frame.x0_pred.shape == (3, SIDE, SIDE, 3) for frame in frames)
    assert np.array_equal(frames[-1].x, frames[-1].x0_pred), "at the end the state is the guess"
    assert np.abs(frames[2].x.astype(int) - frames[2].x0_pred).max() > 20


@pytest.mark.parametrize("sampler", ["ddim", "ddpm", "dpmpp_2m"])
def test_a_sample_is_that_of_its_seed_alone_and_in_company(here: Path, devices: DeviceManager, sampler: str) -> None:
    ddpm_folder(here / "cats")
    asked = {"model": "cats", "num_inference_steps": 4, "sampler": sampler}
    many = run(devices, **asked, samples=3, seed=5)[-2].x
    alone = run(devices, **asked, samples=1, seed=7)[-2].x
    assert np.abs(many[2].astype(int) - alone[0]).max() <= 1, "rounding may differ with the size of a batch"


def test_a_model_that_was_exchanged_under_its_name_is_loaded_anew(here: Path, devices: DeviceManager) -> None:
    folder = ddpm_folder(here / "cats")
    before = run(devices, model="cats", num_inference_steps=2)[-2].x
    weights = load_file(folder / WEIGHTS)
    save_file(weights | {"conv_out.bias": weights["conv_out.bias"] + 0.5}, folder / WEIGHTS)
    os.utime(folder / WEIGHTS, ns=(1, 1))
    assert not np.array_equal(before, run(devices, model="cats", num_inference_steps=2)[-2].x)


def test_a_grey_model_s_light_is_light(here: Path, devices: DeviceManager) -> None:
    folder = ddpm_folder(here / "grey", {"in_channels": 1, "out_channels": 1}, prediction_type="sample")
    weights = load_file(folder / WEIGHTS)
    white = {"conv_out.weight": weights["conv_out.weight"] * 0, "conv_out.bias": torch.ones(1)}
    save_file(weights | white, folder / WEIGHTS)
    assert run(devices, model="grey", num_inference_steps=2)[-2].x.min() == 255


def test_an_autoencoder_takes_a_picture_there_and_back_between_and_from_the_prior(
    here: Path, devices: DeviceManager
) -> None:
    kl_folder(here / "kl")
    asked = {"model": "kl", "size": 64}
    trip = ask(devices, **asked)
    assert trip["source"].shape == trip["again"].shape == (1, 64, 64, 3)
    assert (trip["numbers"], trip["of"]) == (4 * 32 * 32, 3 * 64 * 64) and trip["deviation"] > 0
    start, end = (ask(devices, **asked, view="between", share=share)["between"] for share in (0, 1))
    assert np.abs(start.astype(int) - trip["again"]).max() <= 1, "the way begins at the picture"
    assert not np.array_equal(start, end)
    mirrored = ask(devices, **asked, view="between", share=1)["faded"]
    assert np.array_equal(mirrored, trip["source"][:, :, ::-1]), "and leads to its mirror image"
    prior = ask(devices, **asked, view="prior", samples=3, seed=4)["prior"]
    assert np.abs(prior[1].astype(int) - ask(devices, **asked, view="prior", samples=1, seed=5)["prior"][0]).max() <= 1


def test_a_vector_quantised_one_shows_its_code_map(here: Path, devices: DeviceManager) -> None:
    vq_folder(here / "vq")
    told = ask(devices, model="vq", size=64)
    assert told["codes"].shape == (1, 32, 32, 3) and 1 < told["used"] <= told["known"] == 24
    assert len(np.unique(told["codes"].reshape(-1, 3), axis=0)) == told["used"], "a colour for each code"


def test_what_a_model_cannot_do_is_refused_with_what_it_can(here: Path, devices: DeviceManager) -> None:
    ddpm_folder(here / "cats")
    unet_folder(here / "classes", num_class_embeds=4)
    kl_folder(here / "kl")
    vq_folder(here / "vq")
    for values, words in (
        ({"model": "kl"}, "is an autoencoder"),
        ({"model": "classes", "label": 4}, "label must be -1 to 3 for this model; got 4"),
        ({}, "model must be a model of your own"),
    ):
        with pytest.raises(BadRequest, match=words):
            run(devices, **values)
    with pytest.raises(BadRequest, match="is a diffusion"):
        ask(devices, model="cats")
    with pytest.raises(BadRequest, match="no prior"):
        ask(devices, model="vq", view="prior")
    with pytest.raises(BadRequest, match="model must be one of"):
        registry.get("family-own").request_type.parse({"model": "../cats"})
    with pytest.raises(NotFound, match="no model 'dogs' of your own"):
        own.find("dogs")


def test_a_stopped_walk_asks_the_network_no_more(tmp_path: Path) -> None:
    model = opened(ddpm_folder(tmp_path / "m"))
    calls: list[int] = []
    model.network.register_forward_hook(lambda *_: calls.append(1))
    states = model.states(noise(), nothing(), Sampling(50))
    with torch.inference_mode():
        next(states)
        next(states)
    states.close()
    assert len(calls) == 2


# --- what strangers put there ---


def setting(file: str, **values: Any) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        config = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(config | values))

    return change


def put(data: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / WEIGHTS).write_bytes(data)


def cut(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) * 9 // 10])


def link_out(folder: Path) -> None:
    (folder / "unet/config.json").unlink()
    os.symlink("/etc/hostname", folder / "unet/config.json")


def pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "unet/diffusion_pytorch_model.bin")


CONFIG = "unet/config.json"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda f: (f / WEIGHTS).unlink(), "safetensors is missing"),
    "a pickle named .bin": (pickled, "as a pickle"),
    "a pickle under a right name": (put(b"\x80\x02}q\x00" + bytes(100)), "is a pickle"),
    "empty": (put(b""), "is empty"),
    "truncated": (cut, "cut off"),
    "LFS pointer": (put(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "git lfs pull"),
    "wrong class": (setting(CONFIG, _class_name="UNet2DConditionModel"), "class is UNet2DConditionModel"),
    "an autoencoder in a pipeline": (setting(CONFIG, _class_name="AutoencoderKL"), "class is AutoencoderKL"),
    "own code": (setting(CONFIG, auto_map={"AutoModel": "x.Y"}), "code of its own"),
    "scheduler with code": (setting(SCHEDULER, auto_map={"A": "x.Y"}), "code of its own"),
    "unknown scheduler": (setting(SCHEDULER, _class_name="EvilScheduler"), "got EvilScheduler"),
    "no scheduler": (lambda f: (f / SCHEDULER).unlink(), "scheduler_config.json is missing"),
    "too many timesteps": (setting(SCHEDULER, num_train_timesteps=3e8), "num_train_timesteps"),
    "too many layers": (setting(CONFIG, layers_per_block=3000), "layers_per_block"),
    "huge": (setting(CONFIG, sample_size=10**6), "sample_size"),
    "too many classes": (setting(CONFIG, num_class_embeds=10**7), "num_class_embeds"),
    "no size": (setting(CONFIG, sample_size=None), "sample_size must say"),
    "latents, not pictures": (setting(CONFIG, in_channels=4), "in_channels must be 1 or 3"),
    "other pictures than it takes": (setting(CONFIG, out_channels=1), "out_channels must be 3"),
    "a class that is a vector": (setting(CONFIG, class_embed_type="identity"), "class_embed_type"),
    "a score model": (setting(CONFIG, time_embedding_type="fourier"), "not DDPM"),
    "config is no JSON": (lambda f: (f / CONFIG).write_bytes(b'{"a": '), "not valid JSON"),
    "link out": (link_out, "leads out"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ddpm_folder(tmp_path_factory.mktemp("sound") / "m")


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_folder_is_refused_in_words(sound: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "m"))
    damage, words = DAMAGES[name]
    damage(folder)
    with pytest.raises(BadFile, match=words) as caught:
        own.inspect(folder)
    assert len(str(caught.value)) < 300 and str(folder) not in str(caught.value)


LOADED: dict[str, tuple[Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]], str]] = {
    "half the keys": (lambda w: dict(list(w.items())[::2]), "lacks .* of its weights"),
    "another key": (lambda w: {("x" if n == "conv_out.bias" else n): t for n, t in w.items()}, "conv_out.bias"),
    "NaN": (lambda w: w | {"conv_out.bias": w["conv_out.bias"] * float("nan")}, "not numbers"),
    "infinite": (lambda w: w | {"conv_in.weight": w["conv_in.weight"] / 0}, "not numbers"),
    "other shapes": (lambda w: w | {"conv_out.bias": torch.zeros(4)}, "do not fit"),
}


@pytest.mark.parametrize("name", LOADED)
def test_weights_that_are_not_the_config_s_own_are_refused_when_loaded(sound: Path, tmp_path: Path, name: str) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "m"))
    change, words = LOADED[name]
    save_file(change(load_file(folder / WEIGHTS)), folder / WEIGHTS)
    with pytest.raises(BadFile, match=words) as caught:
        opened(folder)
    assert len(str(caught.value)) < 300 and str(folder) not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"block_out_channels": [2048, 2048]}, "asks for .* weights"),
        ({"down_block_types": ["os.system"]}, "do not fit"),
        ({"num_class_embeds": -1}, "do not fit"),
    ],
)
def test_a_config_that_asks_for_more_than_the_file_holds_takes_no_memory(
    sound: Path, tmp_path: Path, config: dict[str, Any], words: str
) -> None:
    """Two blocks of 2048 channels would be gigabytes: they are counted before they are made."""
    folder = Path(shutil.copytree(sound, tmp_path / "m"))
    setting(CONFIG, **config)(folder)
    with pytest.raises(BadFile, match=words):
        opened(folder)


@pytest.mark.parametrize(
    ("noise_config", "words"),
    [({"thresholding": True}, "thresholding"), ({"beta_schedule": "evil"}, "no known noise schedule")],
)
def test_noise_that_is_not_done_here_is_refused(
    sound: Path, tmp_path: Path, noise_config: dict[str, Any], words: str
) -> None:
    folder = Path(shutil.copytree(sound, tmp_path / "m"))
    setting(SCHEDULER, **noise_config)(folder)
    with pytest.raises(BadFile, match=words):
        opened(folder)


def test_the_classes_come_through_the_one_door() -> None:
    assert {name for name in own.KINDS if not hasattr(libs.diffusers(), name)} == set()


def test_a_network_that_says_nothing_of_its_noise_is_taken_as_ddpm_s_own(tmp_path: Path) -> None:
    model, usual = opened(unet_folder(tmp_path / "m")), DDPMScheduler()
    torch.testing.assert_close(model.process.alphas_cumprod.float(), usual.alphas_cumprod)
    with torch.inference_mode():
        assert model.predict(noise() * 100, 100.0, nothing()).abs().max() == 1, "clipped, as there"
