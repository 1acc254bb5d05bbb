"""The command line: pictures with recipes, or one sentence and exit code 2."""

import json
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.__main__ import main
from pipelines.device.manager import DeviceManager
from pipelines.events import Frame, Result
from pipelines.generators.text_to_image import TextToImage
from pipelines.requests.text_to_image import TextToImageRequest
from pipelines.store import recipe
from pipelines.store.inputs import InputStore
from tests.tiny import tiny_model, with_few_words

START = str(Path(__file__).parents[2] / "docs" / "pictures" / "create.png")
COMMON = ["--model", "tiny", "--device", "cpu", "--quiet"]


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("models")
    tiny_model(folder / "tiny")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIGC_MODELS", str(folder))
        yield folder


@pytest.mark.slow
def test_generate_writes_pictures_that_carry_what_made_them(tmp_path, capsys):
    short = ["--steps", "3", "--guidance", "2.5", "--seed", "5", "--count", "2", "--sampler", "euler"]
    assert main(["generate", "a red circle", *COMMON, *short, "--out", str(tmp_path)]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert len(files) == 2 and all(file.is_relative_to(tmp_path) for file in files)
    kept = recipe.read(files[1])
    assert kept["request"]["seed"] == 6 and kept["request"]["guidance_scale"] == 2.5
    devices = DeviceManager("cpu")
    *_, result = TextToImage().stream(TextToImageRequest.parse(kept["request"]), devices)
    devices.close()
    assert isinstance(result, Result) and np.array_equal(result.images[0], np.asarray(Image.open(files[1])))


def test_a_picture_from_a_file_is_where_it_starts_and_is_kept_for_the_recipe(tmp_path, capsys):
    before = np.asarray(Image.linear_gradient("L").resize((64, 64)).convert("RGB"))
    mask = np.zeros((64, 64), np.uint8)
    mask[:, 32:] = 255
    for name, pixels in (("start.png", before), ("mask.png", mask)):
        Image.fromarray(pixels).save(tmp_path / name)
    given = ["--image", str(tmp_path / "start.png"), "--mask-image", str(tmp_path / "mask.png"), "--strength", "0.5"]
    size = ["--steps", "4", "--width", "64", "--height", "64", "--seed", "1"]
    out = tmp_path / "new" / "outputs"
    assert main(["generate", "a red circle", *COMMON, *given, *size, "--upscale", "none", "--out", str(out)]) == 0
    (file,) = capsys.readouterr().out.splitlines()
    made = np.asarray(Image.open(file))
    assert np.array_equal(made[:, :32], before[:, :32]) and not np.array_equal(made[:, 40:], before[:, 40:])
    request = recipe.read(Path(file))["request"]
    assert np.array_equal(InputStore(out).load(request["image"]), before) and request["strength"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["generate", "x", *COMMON, "--steps", "0"], "num_inference_steps must be 1 to 150; got '0'."),
        (["generate", "x", *COMMON, "--seed", "nan"], "seed must be a finite number"),
        (["generate", "x", "--model", "other"], "model must be one of"),
        (["generate", "x", "--wings", "2"], "unrecognized arguments: --wings 2"),
        (["generate"], "required: prompt"),
        (["fly"], "invalid choice: 'fly'"),
        (["generate", "x", *COMMON, "--device", "abacus"], "device must be one of"),
        (["generate", "x", *COMMON, "--image", "nowhere.png"], "'nowhere.png' cannot be opened: No such file"),
        (["generate", "x", *COMMON, "--image", __file__], "not a picture that can be read"),
        (["generate", "x", *COMMON, "--mask-image", START], "mask_image needs the picture that it masks"),
        (["generate", "x", *COMMON, "--image", START, "--strength", "2"], "strength must be 0.05 to 1; got '2'"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(arguments)
    except SystemExit as left:
        code = left.code
    said = capsys.readouterr()
    assert code == 2 and words in said.err and said.err.count("\n") == 1 and not said.out


def test_words_that_the_model_does_not_know_are_said(tmp_path, capsys, monkeypatch):
    with_few_words(tmp_path / "models" / "few-words")
    monkeypatch.setenv("AIGC_MODELS", str(tmp_path / "models"))
    asked = ["--model", "few-words", "--device", "cpu", "--quiet", "--steps", "1", "--upscale", "none"]
    assert main(["generate", "a black cat, {sunset|sunset}", *asked, "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "This model does not know: sunset.\n" in printed.err
    assert "This model cannot give these words to these things: black (cat).\n" in printed.err
    notes = recipe.read(Path(printed.out.strip()))["notes"]
    assert notes == printed.err.strip().splitlines()
    assert main(["generate", "a cat", *asked, "--out", str(tmp_path)]) == 0
    assert "does not know" not in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_painted_so_far(tmp_path, capsys, monkeypatch):
    stream = TextToImage.stream

    def interrupted(self, request, devices):
        steps = stream(self, request, devices)
        event = next(steps)
        while True:
            if isinstance(event, Frame) and event.index == 2:
                signal.raise_signal(signal.SIGINT)
            try:
                sent = yield event
            except BaseException as thrown:
                event = steps.throw(thrown)
            else:
                event = next(steps) if sent is None else event
            if isinstance(event, Result):
                yield event
                return

    assert threading.current_thread() is threading.main_thread()
    monkeypatch.setattr(TextToImage, "stream", interrupted)
    assert main(["generate", "x", *COMMON, "--steps", "9", "--out", str(tmp_path)]) == 130
    (file,) = capsys.readouterr().out.splitlines()
    assert recipe.read(Path(file))["unfinished"] == {"step": 2, "of": 9}


def test_info_names_the_device_and_the_models(capsys):
    assert main(["info", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "device        cpu" in said and "tiny (1 MiB)" in said and "torch         2." in said


def test_info_names_every_device(capsys):
    assert main(["info", "--device", "cpu:0,cpu:1"]) == 0
    said = capsys.readouterr().out
    assert "device        cpu:0" in said and "device        cpu:1" in said
    assert main(["info", "--device", "cpu:0,gpu"]) == 2


def test_every_field_of_the_request_is_an_option(capsys):
    with pytest.raises(SystemExit):
        main(["generate", "--help"])
    said = capsys.readouterr().out
    names = [field.name for field in TextToImageRequest.fields() if field.name != "prompt"]
    assert all(f"--{name.replace('_', '-')}" in said for name in names)


def test_other_tools_names_curves_and_variations_are_options_too(tmp_path, capsys):
    asked = [
        "--sampler",
        "DPM++ 2M Karras",
        "--guidance-curve",
        "0 9; 1 1",
        "--variation-strength",
        "0.3",
        "--seed",
        "5",
    ]
    size = ["--steps", "2", "--width", "64", "--height", "64", "--upscale", "none"]
    assert main(["generate", "a red circle", *COMMON, *asked, *size, "--out", str(tmp_path)]) == 0
    (file,) = capsys.readouterr().out.splitlines()
    kept = recipe.read(Path(file))["request"]
    assert (kept["sampler"], kept["sigma_schedule"]) == ("dpmpp_2m", "karras")
    assert kept["guidance_curve"] == [[0, 9], [1, 1]]
    assert (kept["seed"], kept["variation_strength"]) == (5, 0.3) and kept["variation_seed"] >= 0


def test_the_steps_of_a_picture_become_a_film_beside_it_or_where_it_is_wanted(tmp_path, capsys):
    small = ["--steps", "3", "--width", "64", "--height", "64", "--upscale", "none"]
    assert main(["generate", "a fox --seed 5", *small, *COMMON, "--out", str(tmp_path / "out")]) == 0
    (file,) = capsys.readouterr().out.split()
    common = [file, "--quiet", "--device", "cpu"]
    assert main(["film", *common, "--size", "128", "--language", "zh"]) == 0
    (made,) = capsys.readouterr().out.split()
    assert made == str(Path(file).with_suffix(".webp"))
    with Image.open(made) as film:
        assert getattr(film, "n_frames", 1) == 4
    wanted = tmp_path / "films" / "fox.gif"
    assert main(["film", *common, "--kind", "gif", "--shows", "result", "--out", str(wanted)]) == 0
    assert wanted.read_bytes().startswith(b"GIF89a")
    assert main(["film", *common, "--fps", "99"]) == 2
    assert "fps must be 1 to 30" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["film", *common, "--out", str(tmp_path / "file" / "a.webp")]) == 2
    assert "nothing could be saved" in capsys.readouterr().err


def test_reproduce_says_whether_a_picture_comes_out_the_same(tmp_path, capsys):
    out = [*COMMON, "--out", str(tmp_path / "out")]
    start = tmp_path / "start.png"
    Image.new("RGB", (64, 64), "red").save(start)
    asked = ["--steps", "3", "--width", "64", "--height", "64", "--upscale", "none", "--image", str(start)]
    assert main(["generate", "a fox --seed 5", *asked, *out]) == 0
    (file,) = capsys.readouterr().out.split()
    assert main(["reproduce", file, "--quiet", "--device", "cpu"]) == 0
    assert capsys.readouterr().out.startswith("The picture comes out the same, in every bit of its")
    with Image.open(file) as image:
        made = json.loads(image.info["aigc"])
        assert made["request"]["seed"] == 5 and made["parents"][0]["kind"] == "image"
        made["made"]["steps"] = "00000000 00000000"
        changed = Path(file).with_name(Path(file).name.replace(Path(file).stem[-4:], "0000"))
        Image.fromarray(np.asarray(image)).save(changed, pnginfo=recipe.embed(made))
    assert main(["reproduce", str(changed), "--quiet", "--device", "cpu"]) == 1
    assert "it parted from the record in step 1" in capsys.readouterr().out
    assert main(["reproduce", str(start)]) == 2
    assert "is no picture in a studio's folder" in capsys.readouterr().err
