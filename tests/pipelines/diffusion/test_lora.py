"""LoRAs in every form of key, beside weights that stay bit for bit what they were."""

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from pipelines.device.manager import DeviceManager
from pipelines.diffusion.addons import lora, lora_keys, lora_reading
from pipelines.diffusion.addons.sharing import sharing
from pipelines.diffusion.bundle import Bundle
from pipelines.errors import BadFile, BadRequest, OutOfMemory, StudioError
from pipelines.events import Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.models.addons import files
from pipelines.models.checkpoints.original_names import ORIGINALS
from pipelines.models.library import scan
from pipelines.requests.loras import Wanted, wanted_loras
from pipelines.requests.text_to_image import TextToImageRequest
from tests import original_layout, tiny_addons
from tests.lora_answers import PROMPT, answer, close, load, models_in, parts_of, with_loras

KINDS = ("sd", "sdxl", "sd3", "flux-dev")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("home")
    models_in(folder, (*KINDS, "pixart"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.fixture
def base(home) -> Bundle:
    return load(home, "sd")


def put(home: Path, name: str, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> Path:
    return tiny_addons.save(home / "loras", name, tensors, metadata)


def merged(home: Path, kind: str, *loras: tuple[tiny_addons.Products, float, float]) -> torch.Tensor:
    bundle = load(home, kind)
    for products, weight, text_weight in loras:
        tiny_addons.merge(parts_of(bundle), products, weight, text_weight)
    return answer(bundle)


@pytest.mark.parametrize("kind", KINDS)
def test_diffusers_keys_give_what_merged_weights_give(home, kind):
    bundle = load(home, kind)
    products = tiny_addons.random_products(parts_of(bundle))
    put(home, f"d-{kind}", tiny_addons.diffusers(products))
    changed = answer(with_loras(bundle, [Wanted(f"d-{kind}", 0.8, 0.5)]))
    assert close(changed, merged(home, kind, (products, 0.8, 0.5)))
    assert not close(changed, answer(bundle))


@pytest.mark.parametrize("kind", ["sd", "sdxl"])
def test_kohya_keys_give_what_merged_weights_give(home, kind):
    bundle = load(home, kind)
    products = tiny_addons.random_products(parts_of(bundle))
    put(home, f"k-{kind}", tiny_addons.kohya(products, kind == "sdxl"))
    assert close(answer(with_loras(bundle, [Wanted(f"k-{kind}")])), merged(home, kind, (products, 1, 1)))


def test_kohya_keys_in_the_original_names_of_a_unet_lead_to_the_same_modules(home):
    bundle = load(home, "sdxl")
    products = tiny_addons.random_products(parts_of(bundle))
    theirs = dict(lora_keys.original_names(bundle.part("unet")))

    def renamed(path: str) -> str:
        start = max((ours for ours in theirs if path.startswith(ours)), key=len)
        return theirs[start] + path.removeprefix(start)

    put(home, "original", tiny_addons.kohya(products, True, renamed))
    assert close(answer(with_loras(bundle, [Wanted("original")])), merged(home, "sdxl", (products, 1, 1)))


def test_the_original_names_are_those_that_diffusers_converts():
    """SDXL's own block numbers, as the published checkpoint has them."""
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        unet = UNet2DConditionModel(
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            cross_attention_dim=2048,
        )
    names = dict(lora_keys.original_names(unet))
    assert names["down_blocks.1.attentions.0"] == "input_blocks.4.1"
    assert names["down_blocks.2.attentions.1"] == "input_blocks.8.1"
    assert names["mid_block.attentions.0"] == "middle_block.1"
    assert names["up_blocks.0.attentions.2"] == "output_blocks.2.1"
    assert names["up_blocks.1.attentions.0"] == "output_blocks.3.1"
    assert names["up_blocks.0.upsamplers.0.conv"] == "output_blocks.2.2.conv"
    assert names["down_blocks.0.downsamplers.0.conv"] == "input_blocks.3.0.op"


TRANSFORMERS = {"flux-dev": original_layout.flux, "sd3": original_layout.sd3, "pixart": original_layout.pixart}


def matrices_of(bundle: Bundle, kind: str) -> tuple[dict[str, torch.Tensor], tiny_addons.Matrices]:
    original = TRANSFORMERS[kind](bundle.part("transformer").state_dict())
    return original, tiny_addons.matrices(original)


def merged_original(home: Path, kind: str, products: tiny_addons.Matrices, weight: float) -> torch.Tensor:
    """What the model answers whose authors' own weights had the products added before they were converted."""
    bundle = load(home, kind)
    original, _ = matrices_of(bundle, kind)
    whole = tiny_addons.merge_original(original, products, weight)
    state = ORIGINALS[bundle.info.architecture].diffusers_layout(whole)
    bundle.part("transformer").load_state_dict(state, strict=True)
    return answer(bundle)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["kohya", "diffusion_model.", "transformer.", "model.diffusion_model.", ""])
@pytest.mark.parametrize("kind", TRANSFORMERS)
def test_original_names_give_what_merged_fused_weights_give(home, kind, form):
    bundle = load(home, kind)
    _, products = matrices_of(bundle, kind)
    assert any(name.endswith("qkv") for name in products)
    kohya = form == "kohya"
    put(home, "fused", tiny_addons.kohya_original(products) if kohya else tiny_addons.dotted_original(products, form))
    before, changed = answer(bundle), answer(with_loras(bundle, [Wanted("fused", 0.5)]))
    assert close(changed, merged_original(home, kind, products, 0.5))
    assert not close(changed, before)


@pytest.mark.parametrize("kind", ["flux-dev", "sd3"])
def test_text_encoders_have_numbers_in_kohyas_keys_and_names_in_comfyuis(home, kind):
    """FLUX's second encoder is T5, which kohya counts as the third."""
    bundle = load(home, kind)
    parts = {name: bundle.part(name) for name in lora.PARTS if name.startswith("text") and bundle.part(name)}
    t5 = "text_encoder_2" if kind == "flux-dev" else "text_encoder_3"
    products = tiny_addons.random_products(parts) | tiny_addons.t5_products(t5, parts[t5])
    theirs = {"text_encoder": ("te1", "clip_l"), "text_encoder_2": ("te2", "clip_g")} | {t5: ("te3", "t5xxl")}
    kohya, comfy = {}, {}
    for (part, path), (down, up) in products.items():
        inner = "" if part == t5 else "text_model."
        name = f"lora_{theirs[part][0]}_{(inner + path).replace('.', '_')}"
        kohya |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
        name = f"text_encoders.{theirs[part][1]}.transformer.{inner}{path}"
        comfy |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    put(home, "numbered", kohya)
    put(home, "called", comfy)
    merged_bundle = load(home, kind)
    tiny_addons.merge({name: merged_bundle.part(name) for name in parts}, products, 1, 0.5, scale=1)
    for name in ("numbered", "called"):
        changed = answer(with_loras(bundle, [Wanted(name, 1, 0.5)]))
        assert close(changed, answer(merged_bundle)) and not close(changed, answer(bundle))


def test_rows_that_cannot_be_shared_out_are_left(home):
    bundle = load(home, "flux-dev")
    _, products = matrices_of(bundle, "flux-dev")
    down, up = products["double_blocks.0.img_attn.qkv"]
    for fewer, why in ((1, "uneven"), (3, "narrow")):
        products["double_blocks.0.img_attn.qkv"] = down, up[:-fewer]
        put(home, why, tiny_addons.kohya_original(products))
        assert "3 of" in note(bundle, why) and "double_blocks_0_img_attn_qkv" in note(bundle, why)
    only = {"double_blocks.0.img_attn.qkv": (down, up[:-1])}
    put(home, "only", tiny_addons.kohya_original(only))
    assert "does not fit" in refused(home, bundle, "only")


def test_originals_of_another_base_are_refused_by_name(home, base):
    flux, sd3 = load(home, "flux-dev"), load(home, "sd3")
    put(home, "of-flux", tiny_addons.kohya_original(matrices_of(flux, "flux-dev")[1]))
    put(home, "of-sd3", tiny_addons.kohya_original(matrices_of(sd3, "sd3")[1]))
    assert "FLUX" in refused(home, sd3, "of-flux") and "FLUX" in refused(home, base, "of-flux")
    assert "Stable Diffusion 3" in refused(home, flux, "of-sd3")


def test_a_block_more_than_the_model_has_is_left(home):
    flux = load(home, "flux-dev")
    _, products = matrices_of(flux, "flux-dev")
    put(home, "fitting", tiny_addons.dotted_original(products, "diffusion_model."))
    down, up = products["double_blocks.0.img_attn.qkv"]
    products["double_blocks.18.img_attn.qkv"] = down.clone(), up
    put(home, "deeper", tiny_addons.dotted_original(products, "diffusion_model."))
    assert "2 of" in note(flux, "deeper") and "double_blocks.18.img_attn.qkv" in note(flux, "deeper")
    assert torch.equal(*(answer(with_loras(flux, [Wanted(name)])) for name in ("fitting", "deeper")))


def test_keys_of_attention_processors_are_read(home, base):
    attention = {
        place: halves
        for place, halves in tiny_addons.random_products({"unet": base.part("unet")}).items()
        if "attn" in place[1]
    }
    put(home, "old", tiny_addons.older_diffusers(attention))
    assert close(answer(with_loras(base, [Wanted("old")])), merged(home, "sd", (attention, 1, 1)))


def test_several_loras_add_up(home, base):
    one, other = (tiny_addons.random_products(parts_of(base), seed) for seed in (1, 2))
    put(home, "one", tiny_addons.kohya(one))
    put(home, "other", tiny_addons.diffusers(other))
    changed = answer(with_loras(base, [Wanted("one", 0.7, 0.7), Wanted("other", -0.4, 0.2)]))
    assert close(changed, merged(home, "sd", (one, 0.7, 0.7), (other, -0.4, 0.2)))


def test_alpha_in_the_header_counts(home, base):
    products = tiny_addons.random_products({"unet": base.part("unet")})
    told = {"lora_adapter_metadata": '{"unet.r": 3, "unet.lora_alpha": 6}'}
    put(home, "told", tiny_addons.diffusers(products, 1.0), told)
    assert close(answer(with_loras(base, [Wanted("told")])), merged(home, "sd", (products, 1, 1)))


def test_weight_zero_is_the_base_itself(home, base):
    put(home, "zero", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    assert with_loras(base, [Wanted("zero", 0, 0)]) is base


def test_the_base_stays_what_it_was_bit_for_bit(home, base):
    before = answer(base)
    put(home, "mark", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    changed = with_loras(base, [Wanted("mark")])
    assert not torch.equal(answer(changed), before)
    assert torch.equal(answer(base), before)


def test_a_variant_shares_the_tensors_of_the_base(home, base):
    put(home, "light", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    variant = with_loras(base, [Wanted("light")])
    theirs = {id(p) for part in parts_of(base).values() for p in part.parameters()}
    assert {id(p) for part in parts_of(variant).values() for p in part.parameters()} == theirs


def test_keys_tell_networks_apart_and_put_equal_ones_together(home, base):
    put(home, "a", tiny_addons.kohya(tiny_addons.random_products(parts_of(base), 1)))
    put(home, "b", tiny_addons.kohya(tiny_addons.random_products(parts_of(base), 2)))
    keys = [with_loras(base, [Wanted(*which)]).key for which in (("a",), ("b",), ("a", 0.5), ("a",), ("a", 1, 0.3))]
    assert len({base.key, *keys}) == 4
    assert keys[0] == keys[3] == keys[4]  # the text encoder is not in the network
    assert with_loras(base, [Wanted("a", 0, 1)]).key == base.key


def refused(home: Path, bundle: Bundle, name: str) -> str:
    before = answer(bundle)
    with pytest.raises(StudioError) as error:
        with_loras(bundle, [Wanted(name)])
    assert torch.equal(answer(bundle), before)
    assert len(str(error.value)) < 300
    assert str(home) not in str(error.value)
    return str(error.value)


def test_a_lora_of_another_base_is_refused_by_name(home, base):
    sdxl = load(home, "sdxl")
    put(home, "forxl", tiny_addons.kohya(tiny_addons.random_products(parts_of(sdxl)), True))
    said = refused(home, base, "forxl")
    assert "forxl.safetensors" in said and "Stable Diffusion XL" in said
    put(home, "fluxy", tiny_addons.diffusers(tiny_addons.random_products(parts_of(load(home, "flux-dev")))))
    assert "fluxy.safetensors" in refused(home, base, "fluxy")


def note(bundle: Bundle, name: str) -> str:
    """What is said of a file besides its effect."""
    devices = DeviceManager("cpu", threads=1)
    with lora.leased([Wanted(name)], bundle, devices) as loras:
        said = loras.notes
    devices.close()
    return " ".join(said)


ODD_KEYS = (
    "lora_unet_down_blocks_9_attentions_0_proj_in.lora_down.weight",
    "lora_unet_conv_in.strange",
    "unet.conv_norm_out.scale",
    "bundle_emb.ink.string_to_param.*",
    "lora_unet_conv_in.hada_w1_a",
    "lora_te_text_model_embeddings_token_embedding.diff_b",
)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_an_odd_key_among_known_ones_is_left_and_said(home, base, key):
    keys = tiny_addons.kohya(tiny_addons.random_products(parts_of(base)))
    put(home, "known", keys)
    put(home, "odd", keys | {key: torch.ones(2, 2)})
    said = note(base, "odd")
    assert said.startswith(f"odd.safetensors: 1 of {len(keys) + 1} tensors") and key[-40:] in said
    assert not note(base, "known")
    assert torch.equal(*(answer(with_loras(base, [Wanted(name)])) for name in ("known", "odd")))


def test_what_was_left_is_a_note_of_the_picture(home, base):
    keys = tiny_addons.kohya(tiny_addons.random_products(parts_of(base)))
    put(home, "noted", keys | {f"odd{i}.key": torch.ones(2) for i in range(5)})
    devices = DeviceManager("cpu", threads=1)
    for _ in range(2):  # the second picture finds it on the device
        result = paint(devices, prompt=PROMPT, loras="noted")
        said = [note for note in result.notes if "noted.safetensors" in note]
        assert len(said) == 1 and "5 of" in said[0] and "odd0.key, odd1.key, odd2.key, ..." in said[0]
        assert said[0] in result.recipes[0]["notes"]
    devices.close()


def test_a_file_of_which_little_fits_is_refused(home, base):
    products = tiny_addons.random_products(parts_of(base))
    keys = tiny_addons.kohya(products)
    for i in range(len(products) + 1):
        keys |= {
            f"lora_unet_x{i}.lora_down.weight": torch.ones(3, 4),
            f"lora_unet_x{i}.lora_up.weight": torch.ones(4, 3),
        }
    put(home, "little", keys)
    assert "modules that this model lacks (lora_unet_x0, ...)" in refused(home, base, "little")


def test_a_text_of_another_width_is_of_another_base(home, base):
    products = tiny_addons.random_products(parts_of(base))
    place = next(place for place in products if place[1].endswith("attn2.to_k"))
    products[place] = torch.ones(3, 1024), products[place][1]
    put(home, "wide", tiny_addons.kohya(products))
    assert "was made for Stable Diffusion 2" in refused(home, base, "wide")


def test_a_base_that_is_not_supported_is_refused_with_the_librarys_sentence(home, base):
    path = put(
        home, "wan", {f"diffusion_model.blocks.0.cross_attn.k.lora_{half}.weight": torch.ones(4, 4) for half in "AB"}
    )
    _, known = scan.recognised(path)
    assert known.kind == "lora" and known.unusable
    assert known.unusable[1:] in refused(home, base, "wan")


def test_half_of_the_keys_is_not_enough(home, base):
    keys = tiny_addons.kohya(tiny_addons.random_products(parts_of(base)))
    put(home, "half", {key: tensor for key, tensor in keys.items() if "lora_up" not in key})
    assert "up half" in refused(home, base, "half")


def test_weights_that_are_not_numbers_are_refused(home, base):
    keys = tiny_addons.kohya(tiny_addons.random_products(parts_of(base)))
    next(iter(keys.values()))[0] = float("nan")
    put(home, "nan", keys)
    assert "not numbers" in refused(home, base, "nan")


def test_a_model_where_a_lora_belongs_is_refused(home, base):
    put(home, "model", {"unet.conv_in.weight": torch.ones(2, 2)})
    assert "is no LoRA" in refused(home, base, "model")


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"PK\x03\x04zip", b"version https://git-lfs", b"<html>"])
def test_what_is_no_safetensors_is_refused(home, base, content):
    (home / "loras").mkdir(exist_ok=True)
    (home / "loras" / "disguised.safetensors").write_bytes(content)
    assert "disguised.safetensors" in refused(home, base, "disguised")


def test_a_file_cut_at_any_place_is_refused(home, base):
    whole = put(home, "cut", tiny_addons.kohya(tiny_addons.random_products(parts_of(base)))).read_bytes()
    for length in (4, 9, 500, len(whole) // 2, len(whole) - 1):
        (home / "loras" / "cut.safetensors").write_bytes(whole[:length])
        refused(home, base, "cut")


def test_pickles_are_refused_by_name_and_never_opened(home, base, tmp_path):
    (home / "Lora").mkdir(exist_ok=True)
    (home / "Lora" / "danger.pt").write_bytes(b"\x80\x04")
    assert "danger.pt is a pickle" in refused(home, base, "danger")


@pytest.mark.parametrize("name", ["../loras/one", "/etc/passwd", "", "..", "no\x00thing"])
def test_a_name_never_becomes_a_path(home, base, name):
    put(home, "one", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    devices = DeviceManager("cpu", threads=1)
    with lora.leased([Wanted(name)], base, devices) as loras:
        assert not loras.added and "is not installed" in str(loras.notes)
    devices.close()


def test_links_that_lead_out_are_passed_over(home, base, tmp_path):
    outside = tiny_addons.save(tmp_path, "outside", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    link = home / "loras" / "link.safetensors"
    link.symlink_to(outside)
    assert "link" not in files.installed(files.LORA)
    link.unlink()


def test_the_words_of_the_field():
    assert wanted_loras("fox style:0.8, b, c:1:0.5,") == (("fox style", 0.8, 0.8), ("b", 1, 1), ("c", 1, 0.5))
    assert wanted_loras("") == ()
    for wrong in ("a:x", ":1", "a:nan", "a:11", "a:1:2:3", ",".join("abcdefghijklmnopq")):
        with pytest.raises(BadRequest):
            wanted_loras(wrong)


def paint(devices: DeviceManager, **asked: Any) -> Result:
    request = TextToImageRequest.of(model="sd", seed=3, width=64, height=64, num_inference_steps=3, **asked)
    return [event for event in TextToImage().stream(request, devices) if isinstance(event, Result)][0]


def test_two_jobs_with_different_loras_do_not_disturb_one_another(home, base):
    put(home, "left", tiny_addons.kohya(tiny_addons.random_products(parts_of(base), 1)))
    put(home, "right", tiny_addons.diffusers(tiny_addons.random_products(parts_of(base), 2)))
    devices = DeviceManager("cpu", threads=1)
    asked = ("left:0.8", "right", "", "left:0.8")
    alone = [paint(devices, prompt=PROMPT, loras=loras).images for loras in asked]
    together: dict[int, Any] = {}

    def run(i: int) -> None:
        together[i] = paint(devices, prompt=PROMPT, loras=asked[i]).images

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(asked))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    devices.close()
    assert all((together[i] == alone[i]).all() for i in range(len(asked)))
    assert not (alone[0] == alone[1]).all() and not (alone[0] == alone[2]).all()


def test_the_recipe_says_names_weights_and_hashes(home, base):
    from pipelines.store import infotext

    path = put(home, "named", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    devices = DeviceManager("cpu", threads=1)
    recipe = paint(devices, prompt=PROMPT, loras="named:0.8").recipes[0]
    devices.close()
    mark = files.payload_hash(path)
    assert recipe["request"]["loras"] == "named:0.8"
    assert recipe["lora_hashes"] == {"named": mark}
    text = infotext.write(recipe)
    assert f'Lora hashes: "named: {mark}"' in text
    assert infotext.parse(text)["request"]["loras"] == "named:0.8"


def test_a_request_with_a_lora_that_does_not_fit_fails_in_words(home):
    devices = DeviceManager("cpu", threads=1)
    (home / "loras" / "text.safetensors").write_bytes(b"no weights")
    with pytest.raises(BadFile):
        paint(devices, prompt=PROMPT, loras="text")
    with pytest.raises(BadRequest):
        paint(devices, prompt=PROMPT, loras="a:b:c")
    devices.close()


@pytest.mark.parametrize("asked", [{"loras": "nowhere:0.8"}, {"prompt": f"{PROMPT} <lora:nowhere:1>"}])
def test_a_lora_that_is_not_here_is_noted_and_the_picture_painted_without_it(home, asked):
    devices = DeviceManager("cpu", threads=1)
    recipe = paint(devices, **{"prompt": PROMPT} | asked).recipes[0]
    assert recipe["notes"] == ["The LoRA nowhere is not installed; the picture was made without it."]
    assert "lora_hashes" not in recipe
    devices.close()


def test_a_lora_in_the_prompt_is_the_lora_of_the_field():
    from pipelines.requests.loras import all_loras
    from pipelines.requests.text_to_image import TextToImageRequest

    named = TextToImageRequest.parse({"prompt": "a cat <lora:ink:0.8> <lora:fox:0.5:1>"})
    assert all_loras(named) == all_loras(TextToImageRequest.parse({"loras": "ink:0.8, fox:1:0.5"}))
    with pytest.raises(BadRequest, match="one by one"):
        TextToImageRequest.parse({"prompt": "{<lora:a:1>|<lora:b:1>|<lora:c:1>}", "count": 16, "seed": 1})


def lora_bytes(home: Path, bundle: Bundle, name: str) -> int:
    products = tiny_addons.random_products(parts_of(bundle), len(name))
    keys = {key: t for key, t in tiny_addons.kohya(products).items() if "alpha" not in key}
    put(home, name, keys)
    return sum(tensor.nbytes for tensor in keys.values())


def held(devices: DeviceManager) -> dict[str, int]:
    return {str(model["key"]).split("@")[0]: int(str(model["bytes"])) for model in devices.loaded()}


@pytest.mark.slow
def test_many_loras_in_turn_stay_within_the_budget(home, base, monkeypatch):
    """Those used last are kept, without another look at the file; the memory of the others is given back."""
    names = [f"turn{i}" for i in range(5)]
    each = [lora_bytes(home, base, name) for name in names]
    made: list[str] = []

    def read(path: Path, places: Any) -> Any:
        made.append(path.stem)
        return lora_reading.read(path, places)

    monkeypatch.setattr(lora, "read", read)
    budget = base.nbytes + each[0] * 5 // 2
    devices = DeviceManager("cpu", budget_bytes=budget, threads=1, patience=0.2)
    for name in names:
        paint(devices, prompt=PROMPT, upscale="none", loras=f"{name}:0.5")
        assert sum(held(devices).values()) <= budget
    assert held(devices) == {"sd": base.nbytes, "LoRA turn3": each[3], "LoRA turn4": each[4]}
    paint(devices, prompt=PROMPT, upscale="none", loras="turn3:0.9, turn4")
    assert made == names
    with pytest.raises(OutOfMemory, match="LoRA turn0"):
        paint(devices, prompt=PROMPT, upscale="none", loras="turn3, turn4, turn0")
    assert not any(model["leases"] for model in devices.loaded())
    devices.close()


def test_a_lora_that_was_dropped_takes_no_memory(home, base):
    lora_bytes(home, base, "gone")
    devices = DeviceManager("cpu", threads=1)
    with lora.leased([Wanted("gone")], base, devices) as loras:
        variant = loras.adapted(base)
        hooks = [hook for m in variant.part("unet").modules() for hook in m._forward_hooks.values()]
        products = [weakref.ref(product) for hook in hooks for product, _ in hook._terms]
        assert all(product() for product in products) and products
        del variant, hooks, loras
    devices.drop_idle()
    assert not any(product() for product in products)
    devices.close()


def test_a_device_without_room_is_visited_by_what_a_lora_adds(home, base, monkeypatch):
    lora_bytes(home, base, "visitor")
    usual = answer(with_loras(base, [Wanted("visitor")]))
    monkeypatch.setattr(lora, "separate", lambda device: True)
    devices = DeviceManager("cpu", budget_bytes=base.nbytes + 10, threads=1, patience=0.2)
    with devices.lease("sd", lambda: base), lora.leased([Wanted("visitor")], base, devices) as loras:
        assert torch.equal(answer(loras.adapted(base)), usual)
        assert held(devices) == {"sd": base.nbytes}
    devices.close()


def test_what_several_modules_share_is_counted_once(home):
    bundle = load(home, "flux-dev")
    _, products = matrices_of(bundle, "flux-dev")
    put(home, "shared", tiny_addons.kohya_original(products))
    devices = DeviceManager("cpu", threads=1)
    with lora.leased([Wanted("shared")], bundle, devices):
        assert held(devices)["LoRA shared"] == sum(down.nbytes + up.nbytes for down, up in products.values())
    devices.close()


def test_a_file_that_is_cut_while_it_is_in_use_does_no_harm(home, base):
    lora_bytes(home, base, "cut-later")
    variant = with_loras(base, [Wanted("cut-later")])
    before = answer(variant)
    (home / "loras" / "cut-later.safetensors").write_bytes(b"")
    assert torch.equal(answer(variant), before)


def test_a_copy_of_a_module_shares_what_was_added(home, base):
    lora_bytes(home, base, "copied")
    encoder = with_loras(base, [Wanted("copied")]).part("text_encoder")
    one, other = (
        [product for m in module.modules() for hook in m._forward_hooks.values() for product, _ in hook._terms]
        for module in (encoder, sharing(encoder))
    )
    assert one and all(a is b for a, b in zip(one, other, strict=True))


def test_options_and_lists_that_are_not_known_are_noted(home, base):
    put(home, "opted", tiny_addons.kohya(tiny_addons.random_products(parts_of(base))))
    devices = DeviceManager("cpu", threads=1)
    recipe = paint(devices, prompt="very__long__text <lora:opted:0.5:lbw=1,0,1>").recipes[0]
    devices.close()
    assert recipe["notes"] == [
        "The LoRA opted was used without the options lbw=1,0,1, which are not known here.",
        "There is no list of words __long__, so the name stays in the prompt. Lists are files like "
        "wildcards/long.txt beside the folder of models.",
    ]
    assert recipe["lora_hashes"].keys() == {"opted"}
