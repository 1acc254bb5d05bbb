"""Other tools' pictures: what each writes is read, checked by our request, and the rest is listed."""

import gzip
import io
import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import BadFile
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import foreign, recipe
from pipelines.store.foreign.carrier import user_comment

INFOTEXT = (
    "portrait of a fox, (sharp focus:1.2)\nNegative prompt: blurry\n"
    "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 42, Size: 256x384, "
    'Model hash: 6ce0161689, Model: aigc-mini, ENSD: 31337, Lora hashes: "foxstyle: 1a2b3c4d5e6f", Version: v1.10.1'
)
FOX = {
    "prompt": "portrait of a fox, (sharp focus:1.2)",
    "negative_prompt": "blurry",
    "num_inference_steps": 20,
    "sampler": "dpmpp_2m",
    "sigma_schedule": "karras",
    "guidance_scale": 7.0,
    "seed": 42,
    "width": 256,
    "height": 384,
    "model": "aigc-mini",
}
COMFY = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42, "steps": 20, "cfg": 7.0, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "own/aigc-mini.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 256, "height": 384, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["11", 0], "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["10", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}, "is_changed": [float("nan")]},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "fox.safetensors", "strength_model": 0.8, "model": ["4", 0], "clip": ["4", 1]},
    },
    "11": {"class_type": "PrimitiveString", "inputs": {"value": FOX["prompt"]}},
}  # fmt: skip
OF_COMFY = FOX | {"count": 1, "prompt": FOX["prompt"] + " <lora:fox:0.8>"}
INVOKE = {
    "app_version": "5.0.0", "positive_prompt": FOX["prompt"], "negative_prompt": "blurry", "width": 256, "height": 384,
    "seed": 42, "cfg_scale": 7.0, "steps": 20, "scheduler": "dpmpp_2m_k", "clip_skip": 2,
    "model": {"key": "a", "hash": "blake3:b", "name": "aigc-mini", "base": "sd-1", "type": "main"},
}  # fmt: skip
INVOKE_2 = {
    "model_weights": "aigc-mini", "app_version": "2.3.5",
    "image": {
        "prompt": [{"prompt": FOX["prompt"] + " [blurry]", "weight": 1.0}], "steps": 20, "cfg_scale": 7.0, "seed": 42,
        "sampler": "k_euler_a", "width": 256, "height": 384, "type": "txt2img", "hires_fix": True,
    },
}  # fmt: skip
FOOOCUS = {
    "prompt": FOX["prompt"], "negative_prompt": "blurry", "steps": 20, "resolution": "(256, 384)", "seed": "42",
    "guidance_scale": 7.0, "sampler": "dpmpp_2m", "scheduler": "karras", "base_model": "aigc-mini.safetensors",
    "styles": "['Fooocus V2']", "performance": "Speed", "version": "Fooocus v2.5.5", "metadata_scheme": "fooocus",
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        "prompt": FOX["prompt"], "negativeprompt": "blurry", "model": "OfficialX/aigc-mini.safetensors", "images": 1,
        "seed": 42, "steps": 20, "cfgscale": 7.0, "width": 256, "height": 384, "sampler": "dpmpp_2m",
        "scheduler": "karras", "aspectratio": "Custom", "automaticvae": True, "swarm_version": "0.9.5.0",
    },
    "sui_extra_data": {"date": "2026-01-01"},
}  # fmt: skip
NOVELAI = {
    "prompt": FOX["prompt"], "uc": "blurry", "steps": 20, "width": 256, "height": 384, "scale": 7.0, "seed": 42,
    "sampler": "k_dpmpp_2m", "noise_schedule": "karras", "n_samples": 1, "sm": True,
}  # fmt: skip

PNG = {
    "AUTOMATIC1111": ({"parameters": INFOTEXT}, FOX, {"ENSD", "Lora hashes"}),
    "ComfyUI": ({"prompt": json.dumps(COMFY), "workflow": "{}"}, OF_COMFY, set()),
    "InvokeAI 5": ({"invokeai_metadata": json.dumps(INVOKE)}, FOX, {"clip_skip"}),
    "InvokeAI 2": (
        {"sd-metadata": json.dumps(INVOKE_2), "Dream": "x"},
        {k: v for k, v in FOX.items() if k != "sigma_schedule"} | {"sampler": "euler_ancestral"},
        {"hires_fix"},
    ),
    "InvokeAI": (
        {"Dream": f'"{FOX["prompt"]} [blurry]" -s 20 -S 42 -W 256 -H 384 -C 7 -A k_heun -G 0.8'},
        {k: v for k, v in FOX.items() if k not in ("sigma_schedule", "model")} | {"sampler": "heun"},
        {"-G"},
    ),
    "Fooocus": (
        {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"},
        FOX,
        {"styles", "performance"},
    ),
    "SwarmUI": ({"parameters": json.dumps(SWARM)}, FOX, {"automaticvae"}),
    "NovelAI": (
        {"Software": "NovelAI", "Description": FOX["prompt"], "Source": "NAI V3", "Comment": json.dumps(NOVELAI)},
        {k: v for k, v in FOX.items() if k != "model"},
        {"Source", "sm"},
    ),
}


def png(texts: dict[str, str], packed: bool = False, mode: str = "RGB") -> bytes:
    chunks = PngInfo()
    for name, text in texts.items():
        chunks.add_text(name, text, zip=packed)
    data = io.BytesIO()
    Image.new(mode, (16, 16)).save(data, "PNG", pnginfo=chunks)
    return data.getvalue()


def with_exif(kind: str, tags: dict[int, object], inner: dict[int, object] | None = None) -> bytes:
    exif = Image.Exif()
    exif.update(tags)
    if inner:
        exif[0x8769] = inner
    data = io.BytesIO()
    Image.new("RGB", (16, 16)).save(data, kind, exif=exif)
    return data.getvalue()


def read(data: bytes) -> foreign.CheckedSettings:
    return foreign.read(data, TextToImageRequest)


@pytest.mark.parametrize("tool", PNG)
@pytest.mark.parametrize("packed", [False, True])
def test_every_tools_picture_gives_its_settings_and_lists_the_rest(tool, packed):
    texts, wanted, unknown = PNG[tool]
    found = read(png(texts, packed))
    assert found.tool.startswith(tool)
    assert found.settings == wanted
    assert {one.name for one in found.unknown} == unknown


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: b"UNICODE\0" + text.encode("utf-16-be"),
        lambda text: b"UNICODE\0" + text.encode("utf-16-le"),
        lambda text: b"UNICODE\0" + text.encode("utf-16"),
        lambda text: b"ASCII\0\0\0" + text.encode(),
        lambda text: bytes(8) + text.encode(),
        lambda text: text.encode(),
    ],
)
def test_a_user_comment_is_read_in_every_encoding_that_tools_use(kind, encoded):
    text = INFOTEXT.replace("a fox", "一只狐狸 🦊")
    found = read(with_exif(kind, {}, {0x9286: encoded(text)}))
    assert found.settings == FOX | {"prompt": "portrait of 一只狐狸 🦊, (sharp focus:1.2)"}


def test_fooocus_and_comfy_put_theirs_elsewhere_into_exif():
    fooocus = read(with_exif("JPEG", {0x9286: json.dumps(FOOOCUS), 0x0131: "Fooocus v2.5.5", 0x927C: "fooocus"}))
    assert (fooocus.tool, fooocus.settings) == ("Fooocus v2.5.5", FOX)
    comfy = read(with_exif("WEBP", {0x0110: "prompt:" + json.dumps(COMFY), 0x010F: "workflow:{}"}))
    assert (comfy.tool, comfy.settings) == ("ComfyUI", OF_COMFY)


@pytest.mark.parametrize(
    ("version", "tool"),
    [
        ("v1.10.1", "AUTOMATIC1111 v1.10.1"),
        ("f2.0.1v1.10.1-previous-1-gabc", "Forge f2.0.1v1.10.1-previous-1-gabc"),
        ("Fooocus v2.5.5", "Fooocus v2.5.5"),
        ("a1b2c3d, App: SD.Next", "SD.Next"),
    ],
)
def test_the_version_tells_who_wrote_an_infotext(version, tool):
    assert read(png({"parameters": INFOTEXT.replace("v1.10.1", version)})).tool == tool


def test_our_own_picture_gives_its_request_back():
    request = TextToImageRequest.of(prompt="a panda, 熊猫", seed=7, num_inference_steps=5, upscale="4x").values()
    data = io.BytesIO()
    Image.new("RGB", (16, 16)).save(data, "PNG", pnginfo=recipe.embed(recipe.new("text-to-image", request)))
    found = read(data.getvalue())
    assert (found.tool, found.settings, found.unknown) == ("AIGC Studio", request, ())


def hidden(text: bytes, signature: bytes, bits_more: int = 0) -> bytes:
    """An RGBA picture with the text in its alpha, as Forge writes it: column by column, the first bit the highest."""
    body = gzip.compress(text) if signature.endswith(b"comp") else text
    head = signature + (8 * len(body) + bits_more).to_bytes(4, "big")
    bits = np.unpackbits(np.frombuffer(head + body, dtype=np.uint8))
    width, height = 400, 401
    alpha = np.full(width * height, 255, dtype=np.uint8)
    alpha[: len(bits)] = 254 | bits
    pixels = np.full((height, width, 4), 255, dtype=np.uint8)
    pixels[..., 3] = alpha.reshape(width, height).T
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("signature", [b"stealth_pnginfo", b"stealth_pngcomp"])
def test_what_is_hidden_in_the_alpha_is_found(signature):
    assert read(hidden(INFOTEXT.encode(), signature)).settings == FOX
    text = json.dumps({"Software": "NovelAI", "Description": "a fox", "Comment": json.dumps(NOVELAI)})
    assert read(hidden(text.encode(), signature)).tool == "NovelAI"


def test_a_hidden_text_that_lies_about_its_length_or_unpacks_without_end_is_nothing():
    assert read(hidden(INFOTEXT.encode(), b"stealth_pngcomp", bits_more=2**31)).tool == ""
    assert read(hidden(INFOTEXT.encode(), b"stealth_pngcomp", bits_more=-80)).tool == ""
    assert read(hidden(b"Steps: 1, Seed: 1, Size: 16x16, " * 200_000, b"stealth_pngcomp")).tool == ""
    assert read(png({}, mode="RGBA")).tool == ""


def test_values_beyond_our_bounds_are_listed_with_the_reason_and_the_rest_still_applies():
    text = INFOTEXT.replace("Size: 256x384", "Size: 9000x100").replace("DPM++ 2M,", "Restart X,")
    found = read(png({"parameters": text.replace("Model: aigc-mini", "Model: v1-5-pruned-emaonly")}))
    reasons = {one.name: (one.value, one.why) for one in found.unknown}
    assert reasons["width"] == ("9000", "width must be 64 to 8192; got 9000.")
    assert reasons["height"][0] == "100" and "multiple of 8" in reasons["height"][1]
    assert reasons["model"][0] == "v1-5-pruned-emaonly" and "one of" in reasons["model"][1]
    assert reasons["Sampler"] == ("Restart X", "")
    assert found.settings["seed"] == 42 and not {"width", "height", "model", "sampler"} & set(found.settings)


def test_settings_that_do_not_go_together_are_not_offered_together():
    said = {"guidance_start": 0.8, "guidance_end": 0.2, "num_inference_steps": 150, "count": 16, "width": 512}
    data = io.BytesIO()
    Image.new("RGB", (8, 8)).save(data, "PNG", pnginfo=recipe.embed({"request": said | {"height": 512}}))
    found = read(data.getvalue())
    TextToImageRequest.parse(found.settings)
    assert {"guidance_end", "count"} & {one.name for one in found.unknown}


def test_a_comfy_graph_is_followed_through_flux_parts_controlnets_and_around_cycles():
    graph = {
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {"noise": ["2", 0], "guider": ["3", 0],
              "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
        "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"scheduler": "simple", "steps": 4, "model": ["7", 0]}},
        "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": ["12", 0], "height": 256, "batch_size": 2}},
        "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "aigc-mini.safetensors"}},
        "8": {"class_type": "ControlNetApplyAdvanced", "inputs": {"positive": ["9", 0], "negative": ["10", 0]}},
        "9": {"class_type": "FluxGuidance", "inputs": {"guidance": 3.5, "conditioning": ["11", 0]}},
        "10": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["10", 0]}},
        "11": {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "conditioning": ["8", 0]}},
        "12": {"class_type": "PrimitiveInt", "inputs": {"value": ["13", 0]}},
        "13": {"class_type": "PrimitiveInt", "inputs": {"value": ["12", 0], "int": 512}},
    }  # fmt: skip
    found = read(png({"prompt": json.dumps(graph)}))
    wanted = {"prompt": "a fox", "sampler": "euler", "num_inference_steps": 4, "seed": 42, "model": "aigc-mini"}
    wanted |= {"width": 512, "height": 256, "count": 2, "guidance_scale": 3.5}
    assert {name: found.settings.get(name) for name in wanted} == wanted
    assert "blurry" not in found.settings["prompt"]


def test_only_the_pass_that_starts_from_nothing_gives_the_size():
    second = {
        "class_type": "KSampler",
        "inputs": COMFY["3"]["inputs"] | {"latent_image": ["20", 0], "denoise": 0.5, "steps": 9},
    }
    graph = {"2": second, "20": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 512}}} | COMFY
    found = read(png({"prompt": json.dumps(graph)}))
    assert found.settings["num_inference_steps"] == 20 and found.settings["width"] == 256
    assert "further passes" in {one.name for one in found.unknown}


def comfy(changes: dict[str, dict]) -> foreign.CheckedSettings:
    """What is read of COMFY with some of its nodes replaced."""
    return read(png({"prompt": json.dumps(COMFY | changes)}))


def test_a_conditioning_that_is_zeroed_out_has_no_words_and_is_listed():
    """The negative of FLUX and the like is often the positive one, zeroed."""
    zeroed = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    found = comfy({"7": zeroed})
    assert "negative_prompt" not in found.settings and found.unsaid["negative_prompt"] == ""
    assert ("negative conditioning", "ConditioningZeroOut") in {(one.name, one.value) for one in found.unknown}
    assert found.settings["prompt"].startswith(FOX["prompt"])


@pytest.mark.parametrize(
    "joining",
    [
        {"class_type": "StringConcatenate", "inputs": {"string_a": ["20", 0], "string_b": "snow", "delimiter": ", "}},
        {"class_type": "Text Concatenate", "inputs": {"delimiter": ", ", "text_a": ["20", 0], "text_b": ["21", 0]}},
        {"class_type": "JoinStrings", "inputs": {"string1": ["20", 0], "string2": "snow", "delimiter": ", "}},
        {
            "class_type": "ImpactWildcardProcessor",
            "inputs": {"wildcard_text": "{a|b}", "populated_text": "a fox, snow"},
        },
        {"class_type": "ShowText|pysssss", "inputs": {"text": ["22", 0], "text_0": "older words"}},
    ],
    ids=lambda node: node["class_type"],
)
def test_texts_that_nodes_join_are_joined(joining):
    nodes = {
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["30", 0], "clip": ["10", 1]}},
        "20": {"class_type": "PrimitiveString", "inputs": {"value": "a fox"}},
        "21": {"class_type": "Text Multiline", "inputs": {"text": "snow"}},
        "22": {
            "class_type": "StringConcatenate",
            "inputs": {"string_a": "a fox", "string_b": "snow", "delimiter": ", "},
        },
        "30": joining,
    }
    assert comfy(nodes).settings["prompt"] == "a fox, snow <lora:fox:0.8>"


@pytest.mark.parametrize(
    "loader, tags",
    [
        (
            {"class_type": "Power Lora Loader (rgthree)", "inputs": {
                "lora_1": {"on": True, "lora": "sub/a.safetensors", "strength": 0.5},
                "lora_2": {"on": False, "lora": "b.safetensors", "strength": 1}, "model": ["4", 0]}},
            "<lora:a:0.5>",
        ),
        (
            {"class_type": "CR LoRA Stack", "inputs": {
                "switch_1": "On", "lora_name_1": "a.safetensors", "model_weight_1": 0.5, "clip_weight_1": 1,
                "switch_2": "Off", "lora_name_2": "b.safetensors", "model_weight_2": 1, "model": ["4", 0]}},
            "<lora:a:0.5>",
        ),
        (
            {"class_type": "LoRA Stacker", "inputs": {
                "lora_count": 1, "lora_name_1": "a.safetensors", "lora_wt_1": ["40", 0], "lora_name_2": "b.safetensors",
                "lora_name_3": "None", "model": ["4", 0]}},
            "<lora:a:0.5>",
        ),
    ],
    ids=["rows", "switches", "count"],
)  # fmt: skip
def test_loras_of_stacks_become_tags_behind_those_nearer_to_the_checkpoint(loader, tags):
    chain = {"10": {"class_type": "LoraLoaderModelOnly", "inputs": {
        "lora_name": "fox.safetensors", "strength_model": 0.8, "model": ["41", 0]}},
        "40": {"class_type": "PrimitiveFloat", "inputs": {"value": 0.5}}, "41": loader}  # fmt: skip
    assert comfy(chain).settings["prompt"] == f"{FOX['prompt']} {tags} <lora:fox:0.8>"


def test_an_efficient_loader_holds_words_sizes_and_model_in_one_node():
    graph = {
        "1": {"class_type": "KSampler (Efficient)", "inputs": {"seed": 42, "steps": 20, "cfg": 7.0,
              "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1, "model": ["2", 0],
              "positive": ["2", 1], "negative": ["2", 2], "latent_image": ["2", 3]}},
        "2": {"class_type": "Efficient Loader", "inputs": {"ckpt_name": "aigc-mini.safetensors", "positive": "a fox",
              "negative": "blurry", "lora_name": "None", "empty_latent_width": 256, "empty_latent_height": 384,
              "batch_size": 2}},
    }  # fmt: skip
    found = read(png({"prompt": json.dumps(graph)})).settings
    assert found == FOX | {"prompt": "a fox", "count": 2}


def workflow_of(graph: dict) -> dict:
    """The form that ComfyUI's page saves: values in the order of the widgets, links in a table."""
    widgets = {"KSampler": ("seed", "steps", "cfg", "sampler_name", "scheduler", "denoise")}
    nodes, links = [], []
    for name, node in graph.items():
        inputs = node["inputs"]
        slots = []
        for slot, value in inputs.items():
            if isinstance(value, list):
                links.append([len(links) + 1, int(value[0]), value[1], int(name), len(slots), "*"])
                slots.append({"name": slot, "link": len(links)})
            elif node["class_type"] not in widgets:  # newer pages name each widget
                slots.append({"name": slot, "widget": {"name": slot}, "link": None})
        order = widgets.get(node["class_type"], tuple(inputs))
        values = [inputs[slot] for slot in order if slot in inputs and not isinstance(inputs[slot], list)]
        if node["class_type"] == "KSampler":
            values.insert(1, "randomize")
        nodes.append(
            {"id": int(name), "type": node["class_type"], "inputs": slots, "widgets_values": values, "mode": 0}
        )
    return {"nodes": nodes, "links": links, "version": 0.4}


def test_a_workflow_that_the_page_saved_says_the_same_as_its_graph():
    text = json.dumps(workflow_of(COMFY))
    for found in (read(png({"workflow": text})), foreign.read_text(text, TextToImageRequest)):
        assert (found.tool, found.settings) == ("ComfyUI", OF_COMFY)


def test_a_bypassed_lora_of_a_workflow_is_passed_through():
    saved = workflow_of(COMFY)
    for node in saved["nodes"]:
        node["mode"] = 4 if node["type"] == "LoraLoader" else 0
    found = foreign.read_text(json.dumps(saved), TextToImageRequest).settings
    assert found["prompt"] == FOX["prompt"] and found["model"] == "aigc-mini"


FOX_TAG = {"prompt": FOX["prompt"] + " <lora:fox:0.8>"}


@pytest.mark.parametrize(
    "texts",
    [
        {"parameters": json.dumps(FOOOCUS | {"loras": [["sub/fox.safetensors", 0.8, "1a2b"]]})},
        {"parameters": json.dumps(FOOOCUS | {"lora_combined_1": "fox.safetensors : 0.8"})},
        {"parameters": INFOTEXT.replace("Lora hashes:", 'Lora weights: "fox: 0.8", Lora hashes:')},
        {"parameters": json.dumps({"sui_image_params": SWARM["sui_image_params"] | {
            "loras": ["fox.safetensors"], "loraweights": ["0.8"]}})},
        {"invokeai_metadata": json.dumps(INVOKE | {"loras": [{"model": {"name": "fox"}, "weight": 0.8}]})},
    ],
    ids=["Fooocus", "older Fooocus", "Fooocus as A1111", "SwarmUI", "InvokeAI"],
)  # fmt: skip
def test_loras_that_are_loaded_beside_the_prompt_become_tags_in_it(texts):
    assert read(png(texts)).settings["prompt"] == FOX_TAG["prompt"]


@pytest.mark.parametrize("size, scale", [("512x768", 2), ("0x576", 1.5), ("384x0", 1.5), ("512x512", None)])
def test_a_hires_resize_is_a_scale_unless_it_changes_the_shape(size, scale):
    text = INFOTEXT.replace("Size: 256x384,", f"Size: 256x384, Denoising strength: 0.5, Hires resize: {size},")
    found = read(png({"parameters": text}))
    assert found.settings.get("hires_scale") == scale
    assert ("Hires resize" in {one.name for one in found.unknown}) == (scale is None)


def deep(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def ring(size: int) -> str:
    """Every node leads to all others by every name that is followed."""
    links = {name: ["1", 0] for name in ("positive", "negative", "model", "latent_image", "text", "value", "samples")}
    nodes = {str(i): {"class_type": "KSampler", "inputs": links | {"x": [str((i + 1) % size), 0]}} for i in range(size)}
    return json.dumps(nodes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["prompt", "parameters", "invokeai_metadata", "sd-metadata", "Dream", "Comment", "aigc"]
)
@pytest.mark.parametrize(
    "text",
    [
        deep(100_000), ring(2000),
        '{"1": {"class_type": "KSampler", "inputs": {"model": ["1", 0], "positive": ["1", 0]}}}',
        '{"image": {"prompt": [[], 1, {}]}, "model": [], "request": [], "sui_image_params": 3, "prompt": {}}',
        '{"steps": 1e999, "seed": ' + "9" * 5000 + "}", '"' + "\\" * 100_000, "Steps: " * 50_000, "a: b, " * 50_000,
        "<script>alert(1)</script>\nSteps: 1, Sampler: <img src=x>, Seed: 1\x00",
        '{"steps": 5, "prompt": "\\ud800", "sampler": 3}',
    ],
    ids=["deep", "ring", "self", "wrong types", "numbers", "backslashes", "steps", "pairs", "markup", "halves"],
)  # fmt: skip
def test_a_hostile_text_is_read_quickly_or_not_at_all(name, text):
    started = time.perf_counter()
    texts = {"Software": "NovelAI"} if name == "Comment" else {}
    found = read(png(texts | {name: text.encode("utf-8", "replace").decode()}))
    assert time.perf_counter() - started < 2
    TextToImageRequest.parse(found.settings)
    json.dumps([found.tool, found.settings, [vars(one) for one in found.unknown]], allow_nan=False).encode()
    assert len(found.unknown) <= 100 and all(len(one.value) < 500 and len(one.name) < 500 for one in found.unknown)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_behind_a_pictures_first_ones_give_an_answer_or_bad_file(tail):
    exif = b"Exif\0\0II*\0\x08\0\0\0" + tail
    jpeg = b"\xff\xd8\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    for data in (tail, b"\xff\xd8" + tail, jpeg, b"RIFF\0\0\0\0WEBP" + tail, b"\x89PNG\r\n\x1a\n" + tail):
        try:
            read(data)
        except BadFile:
            pass
    user_comment(b"UNICODE\0" + tail)


def test_a_cut_picture_still_says_what_came_before_the_cut():
    whole = png({"parameters": INFOTEXT})
    assert read(whole[:-30]).settings == FOX
    assert read(with_exif("JPEG", {}, {0x9286: INFOTEXT.encode()})[:900]).settings == FOX


def test_a_copied_text_is_read_as_a_picture_is():
    for text, wanted in ((INFOTEXT, FOX), (json.dumps(COMFY), OF_COMFY), (json.dumps(SWARM), FOX)):
        assert foreign.read_text(text, TextToImageRequest).settings.items() >= wanted.items()
    assert foreign.read_text("just a prompt, nothing else", TextToImageRequest).tool == ""


def test_clip_skip_is_a_setting_of_ours():
    found = read(png({"parameters": INFOTEXT.replace("ENSD: 31337", "Clip skip: 2")}))
    assert found.settings == FOX | {"clip_skip": 2}
