"""Decoding: tiles without a seam, the ladder down to the CPU, NaN in float16, and latents that are never lost."""

import functools
import io
import json
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderDC, AutoencoderKL, AutoencoderTiny
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

from pipelines import models
from pipelines.device import turns
from pipelines.device.hardware import Machine
from pipelines.device.manager import DeviceManager
from pipelines.device.placement import Placement, Way
from pipelines.diffusion import decoding, loading
from pipelines.diffusion.decoding import IN_FLOAT32, IN_TILES, ON_CPU, Decoder, fade, spans, tiled
from pipelines.engine.queue import JobQueue, JobState
from pipelines.engine.registry import get
from pipelines.errors import BadFile, BadRequest, NotDecoded, NotFound
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.others import DecodeRequest
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store.images import ImageStore
from pipelines.store.inputs import InputStore
from pipelines.store.kept_latents import LatentStore
from tests.tiny import tiny_model


class NoRoom(TorchDispatchMode):
    """Memory runs out in convolutions whose result has more than `most` bytes, in the first `times` of them."""

    def __init__(self, most: int, times: int = 10**9) -> None:
        super().__init__()
        self.most, self.left, self.refused = most, times, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if "conv" in str(func) and result.nbytes > self.most and self.left:
            self.left -= 1
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return result


def autoencoder(kind: str) -> Any:
    torch.manual_seed(0)
    if kind == "tiny":
        return AutoencoderTiny(
            encoder_block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            num_decoder_blocks=(1,) * 4,
        ).eval()
    if kind == "dc":
        blocks = {"block_out_channels": (8, 8), "layers_per_block": (1, 1)}
        both = {f"{side}_{name}": value for side in ("encoder", "decoder") for name, value in blocks.items()}
        kinds = {f"{side}_block_types": ("ResBlock", "ResBlock") for side in ("encoder", "decoder")}
        qkv = {f"{side}_qkv_multiscales": ((), ()) for side in ("encoder", "decoder")}
        return AutoencoderDC(latent_channels=4, **both, **kinds, **qkv).eval()
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 16),
        norm_num_groups=4,
        latent_channels=4,
        scaling_factor=0.5,
    ).eval()


@pytest.mark.parametrize("kind", ["tiny", "kl", "dc"])
def test_others_use_the_model_between_the_blocks_of_a_long_decoding(kind):
    vae, lock, used = autoencoder(kind), threading.Lock(), threading.Event()
    decoder, latents = Decoder(vae, Placement({"vae": vae}, "vae"), lock), torch.randn(4, 8, 8)
    expected = decoder.picture(latents, print)
    turns.open_between(vae)
    convs = [module for module in vae.decoder.modules() if isinstance(module, torch.nn.Conv2d)]
    begun, waited = threading.Event(), []
    convs[0].register_forward_pre_hook(lambda *_: begun.set())
    convs[-1].register_forward_pre_hook(lambda *_: waited.append(used.wait(3)))
    pictures: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: pictures.append(decoder.picture(latents, print)))
    thread.start()
    assert begun.wait(10)
    with lock:  # as whoever reads a prompt
        used.set()
    thread.join(20)
    assert waited == [True] and np.array_equal(pictures[0], expected)


def decoder(vae: Any, way: Way = Way.WHOLE) -> Decoder:
    place = Placement({"vae": vae}, "vae")
    place.way = way
    return Decoder(vae, place, nullcontext())


@pytest.fixture
def card(monkeypatch):
    """As if the device had memory of its own, so that the CPU is another place."""
    monkeypatch.setattr(decoding, "separate", lambda device: True)


@pytest.mark.parametrize("length", [1, 63, 64, 65, 100, 128, 500])
def test_tiles_cover_everything_and_neighbours_overlap(length):
    found = spans(length, 64, 16)
    assert found[0][0] == 0 and found[-1][1] == length and all(end - start <= 64 for start, end in found)
    assert all(before[1] - after[0] >= 16 for before, after in zip(found, found[1:], strict=False))


def test_a_tile_fades_only_towards_its_neighbours():
    assert torch.equal(fade(8, 4, False, False), torch.ones(8))
    assert torch.equal(fade(8, 4, True, False)[4:], torch.ones(4)) and fade(8, 4, True, False)[0] < 0.2
    assert torch.equal(fade(8, 4, True, True), fade(8, 4, True, True).flip(0))


@pytest.mark.parametrize("shape", [(8, 8), (20, 33), (64, 30)])
def test_tiles_of_a_decoder_that_sees_one_latent_pixel_are_exactly_the_whole(shape):
    latents = torch.randn(1, 4, *shape)
    decode = functools.partial(torch.nn.functional.interpolate, scale_factor=2)
    assert torch.allclose(tiled(lambda z: decode(z[:, :3]), latents, 12, 5), decode(latents[:, :3])[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["tiny", "dc", "kl"])
def test_tiles_are_close_to_the_whole_and_show_no_seam(kind):
    vae, noise = autoencoder(kind), torch.Generator().manual_seed(1)
    latents = torch.nn.functional.interpolate(torch.randn(1, 4, 6, 6, generator=noise), size=(40, 40), mode="bicubic")
    with torch.inference_mode():
        whole = vae.decode(latents).sample[0]
        pieces = tiled(lambda z: vae.decode(z).sample, latents, 24, 12)
    spread = float(whole.std())
    assert float((pieces - whole).abs().mean()) < (0.5 if kind == "kl" else 0.15) * spread  # its norms see one tile

    def steepest(picture: torch.Tensor) -> float:
        """The largest step between two rows away from the border, over their usual one: a hard edge stands out."""
        jumps = picture[:, 12:-12].diff(dim=1).mean(dim=(0, 2)).abs()
        return float(jumps.max() / jumps.median())

    assert steepest(pieces) < 1.5 * steepest(whole)


def latents_of(side: int = 100) -> torch.Tensor:
    return torch.randn(4, side, 20, generator=torch.Generator().manual_seed(2)) * 0.1


def test_a_picture_without_room_is_decoded_in_tiles_and_says_so():
    vae, notes = autoencoder("kl"), []
    whole = decoder(vae).picture(latents_of(), notes.append)
    assert not notes
    with NoRoom(most=int(16 * 64 * 20 * 4 * 4 * 1.2)) as room:  # a layer of one tile fits, one of the picture does not
        pieces = decoder(vae).picture(latents_of(), notes.append)
    assert room.refused == 1 and notes == [IN_TILES]
    assert np.abs(whole.astype(int) - pieces).mean() < 8
    assert np.array_equal(decoder(vae, Way.TILES).picture(latents_of(), notes.append), pieces) and len(notes) == 1


def test_what_does_not_even_fit_in_tiles_is_decoded_by_the_cpu(card):
    vae, notes = autoencoder("kl"), []
    before = [parameter.data_ptr() for parameter in vae.parameters()]
    pieces = decoder(vae, Way.TILES).picture(latents_of(), notes.append)
    with NoRoom(most=1000, times=2) as room:
        again = decoder(vae).picture(latents_of(), notes.append)
    assert room.refused == 2 and notes == [ON_CPU] and np.array_equal(again, pieces)
    assert [parameter.data_ptr() for parameter in vae.parameters()] == before  # it is back where it was


def test_the_cpu_works_in_float32_and_puts_the_weights_back_as_they_were(card):
    vae = autoencoder("kl").half()
    before = [parameter.data_ptr() for parameter in vae.parameters()]
    with NoRoom(most=1000, times=2):
        decoder(vae).picture(latents_of(), print)
    assert vae.dtype == torch.float16 and [parameter.data_ptr() for parameter in vae.parameters()] == before


def test_a_fault_that_is_not_memory_comes_through(monkeypatch):
    vae = autoencoder("kl")
    monkeypatch.setattr(vae, "decode", lambda *args, **kw: (_ for _ in ()).throw(RuntimeError("shapes")))
    with pytest.raises(RuntimeError, match="shapes"):
        decoder(vae).picture(latents_of(), print)


def overflowing(vae: Any) -> Any:
    """The autoencoder as SDXL's is: what it says is infinite in float16 and sound in float32."""
    usual = vae.decode

    def decode(latents, **kw):
        if latents.dtype == torch.float16:
            return (torch.full((1, 3, latents.shape[2] * 2, latents.shape[3] * 2), torch.inf, dtype=torch.float16),)
        return usual(latents, **kw)

    vae.decode = decode
    return vae


def test_nan_in_float16_is_decoded_again_in_float32_and_says_so_once():
    notes: list[str] = []
    usual = decoder(autoencoder("kl").half().float()).picture(latents_of(), notes.append)
    faulty = decoder(overflowing(autoencoder("kl").half()))
    assert np.array_equal(faulty.picture(latents_of(), notes.append), usual) and notes == [IN_FLOAT32]
    faulty.picture(latents_of(), notes.append)
    assert len(notes) == 1


def test_latents_that_are_nan_themselves_are_refused():
    with pytest.raises(BadRequest, match="lower guidance_scale"):
        decoder(autoencoder("kl").half().float()).picture(latents_of() * float("nan"), print)


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    tiny_model(tmp_path / "models" / "kl", "kl")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    return tmp_path


@pytest.fixture
def devices() -> Iterator[DeviceManager]:
    manager = DeviceManager("cpu", threads=1, probe=Machine)
    yield manager
    manager.close()


SMALL = {"prompt": "a red circle", "model": "kl", "width": 64, "height": 64, "seed": 3, "num_inference_steps": 3}
SMALL |= {"upscale": "none"}


def never_room(monkeypatch) -> None:
    def refuse(vae, latents, return_dict=True):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(AutoencoderKL, "decode", refuse)


def test_a_sampling_whose_decoding_fails_is_kept_and_decoded_later_to_the_same_picture(home, devices, monkeypatch):
    *_, usual = TextToImage().stream(TextToImageRequest.parse(SMALL | {"count": 2}), devices)
    assert isinstance(usual, Result)
    store, latents = ImageStore(home / "out"), LatentStore(home / "out")
    queue = JobQueue(devices, store, get=get, latents=latents)
    with monkeypatch.context() as patch:
        never_room(patch)
        job = queue.submit("text-to-image", TextToImageRequest.parse(SMALL | {"count": 2}), "me")
        assert list(job.events()) and job.state is JobState.FAILED
        assert job.error and job.error.code == "not_decoded" and "decode again" in job.error.message
        ids = job.snapshot()["latents_ids"]
        assert len(ids) == 2 and all((home / "out" / "latents" / f"{i}.safetensors").is_file() for i in ids)
        again = queue.submit("decode", DecodeRequest.parse({"latents": ids[0]}), "me")
        assert list(again.events()) and again.state is JobState.FAILED and again.latents_ids == [ids[0]]
    for i, latents_id in enumerate(ids):
        job = queue.submit("decode", DecodeRequest.parse({"latents": latents_id}), "me")
        assert list(job.events()) and job.state is JobState.DONE
        assert store.recipe(job.image_ids[0])["request"] == json.loads(json.dumps(usual.recipes[i]["request"]))
        assert np.array_equal(np.asarray(Image.open(store.path(job.image_ids[0]))), usual.images[i])
        assert not (home / "out" / "latents" / f"{latents_id}.safetensors").exists()
    queue.close()


@pytest.mark.parametrize("how", ("latent", "lanczos"))
def test_a_second_pass_whose_decoding_fails_keeps_the_recipe_that_was_asked_for(home, devices, monkeypatch, how):
    """With "lanczos" the first pass is decoded as well, and it is that which is kept."""
    asked = TextToImageRequest.parse(SMALL | {"hires_scale": 2, "hires_steps": 2, "hires_upscaler": how})
    *_, usual = TextToImage().stream(asked, devices)
    store, latents = ImageStore(home / "out"), LatentStore(home / "out")
    queue = JobQueue(devices, store, get=get, latents=latents)
    with monkeypatch.context() as patch:
        never_room(patch)
        job = queue.submit("text-to-image", asked, "me")
        assert list(job.events()) and job.error and job.error.code == "not_decoded"
    job = queue.submit("decode", DecodeRequest.parse({"latents": job.latents_ids[0]}), "me")
    assert list(job.events()) and job.state is JobState.DONE, job.error
    recipe, made = store.recipe(job.image_ids[0]), np.asarray(Image.open(store.path(job.image_ids[0])))
    assert recipe["request"] == json.loads(json.dumps(usual.recipes[0]["request"]))
    if how == "latent":
        assert np.array_equal(made, usual.images[0]) and "unfinished" not in recipe
    else:
        assert made.shape == (64, 64, 3) and recipe["unfinished"] == {"step": 3, "of": 5}
    queue.close()


def test_a_border_whose_decoding_fails_is_put_around_its_picture_later(home, devices, monkeypatch):
    inputs = InputStore(home / "out")
    png = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(png, "PNG")
    image = inputs.add(png.getvalue()).id
    asked = TextToImageRequest.parse(SMALL | {"image": image, "outpaint_right": 32})
    *_, usual = TextToImage().stream(asked.with_pictures(inputs.load), devices)
    store, latents = ImageStore(home / "out"), LatentStore(home / "out")
    queue = JobQueue(devices, store, get=get, inputs=inputs, latents=latents)
    with monkeypatch.context() as patch:
        never_room(patch)
        job = queue.submit("text-to-image", asked, "me")
        assert list(job.events()) and job.latents_ids
    job = queue.submit("decode", DecodeRequest.parse({"latents": job.latents_ids[0]}), "me")
    assert list(job.events()) and job.state is JobState.DONE, job.error
    assert np.array_equal(np.asarray(Image.open(store.path(job.image_ids[0]))), usual.images[0])
    queue.close()


def test_kept_latents_come_back_as_they_were(tmp_path):
    store, latents = LatentStore(tmp_path), np.random.default_rng(0).normal(size=(4, 8, 6)).astype(np.float32)
    latents_id = store.add(latents, {"request": {"prompt": "狐狸"}}, "secret client")
    kept = store.load(latents_id)
    assert np.array_equal(kept.latents, latents) and kept.recipe == {"request": {"prompt": "狐狸"}}
    assert b"secret client" not in (tmp_path / "latents" / f"{latents_id}.safetensors").read_bytes()
    from safetensors.numpy import load_file

    assert np.array_equal(load_file(tmp_path / "latents" / f"{latents_id}.safetensors")["latents"], latents)


@pytest.mark.parametrize("wrong", ["", "../../x", "0" * 31, "G" * 32])
def test_only_an_id_names_kept_latents(tmp_path, wrong):
    with pytest.raises(NotFound):
        LatentStore(tmp_path).load(wrong)
    with pytest.raises(BadRequest, match="32 of 0-9 and a-f"):
        DecodeRequest.parse({"latents": wrong})


def test_damaged_latents_are_refused(tmp_path):
    store = LatentStore(tmp_path)
    latents_id = store.add(np.zeros((4, 8, 8), np.float32), {})
    path = tmp_path / "latents" / f"{latents_id}.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(BadFile, match="cut off"):
        store.load(latents_id)


def test_latents_of_another_model_are_refused(home, devices):
    store = LatentStore(home / "out")
    latents_id = store.add(np.zeros((4, 5, 5), np.float32), {"request": SMALL})
    request = DecodeRequest(latents=latents_id, kept=store.load(latents_id))
    with pytest.raises(BadFile, match="not of their model"):
        list(get("decode").stream(request, devices))
    assert devices.loaded()[0]["leases"] == 0


def test_not_decoded_is_told_when_no_tile_finds_room():
    with pytest.raises(NotDecoded, match="decode again"), NoRoom(most=0):
        decoder(autoencoder("kl")).picture(latents_of(), print)


def test_a_loaded_model_decodes_as_before(home):
    model = loading.load(models.inspect(home / "models" / "kl"))
    latents = torch.randn(4, 8, 8)
    with torch.inference_mode():
        said = model.vae.decode(latents[None] / model.vae.config.scaling_factor).sample[0]
    levels = (said / 2 + 0.5).clamp(0, 1).mul(255).round().to(torch.uint8).permute(1, 2, 0)
    assert np.array_equal(model.decode(latents), levels.numpy())
