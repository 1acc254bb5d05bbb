"""Options that fingers know from AUTOMATIC1111, ComfyUI and others: each does what it says, or says what to use here.

A row of FLAGS is one option: its spellings, what it takes, and either what it sets or the sentence that answers it.
"""

import argparse
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aigc_ui import network
from pipelines import places
from pipelines.errors import BadRequest

VARIABLE = "COMMANDLINE_ARGS"


@dataclass(frozen=True)
class Flag:
    """`takes` is what stands behind it; `sets` are our options as it sets them, `answer` what is printed instead."""

    words: str
    takes: str = ""
    sets: Callable[[str], Mapping[str, Any]] | None = None
    answer: str = ""
    refused: bool = False
    help: str = ""


def _memory(kind: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda _: {"memory": kind}


def _place(kind: str, option: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda path: {"places": {kind: (_folder(path, option),)}}


def _file(name: str) -> Callable[[str], Mapping[str, Any]]:
    return lambda path: {name: Path(path).expanduser()}


def _always(**values: Any) -> Callable[[str], Mapping[str, Any]]:
    return lambda _: values


def _cpu_for(parts: str) -> Mapping[str, Any]:
    return {"device": "cpu"} if set(parts.split()) & {"", "all", "sd"} else {}


def _card(number: str) -> Mapping[str, Any]:
    if not number.isascii() or not number.isdecimal() or len(number) > 3:
        raise BadRequest(
            "the number of a card must be 0, 1, ...; got {got!r}. `python -m pipelines info` tells.", got=number[:20]
        )
    return {"device": f"cuda:{number}"}


def _precision(kind: str) -> Mapping[str, Any]:
    if kind not in ("full", "autocast", "half"):
        raise BadRequest("--precision must be full, half or autocast; got {got!r}.", got=kind[:20])
    return {"full_precision": True} if kind == "full" else {}


def _checkpoint(path: str) -> Mapping[str, Any]:
    file = Path(path).expanduser()
    if not file.exists():
        raise BadRequest("--ckpt {path!r} is not there. Name a model's folder or file.", path=path[-60:])
    name = file.name if file.is_dir() else file.stem
    return {"first_model": name, "places": {places.CHECKPOINTS: (file.absolute().parent,)}}


def _base(path: str) -> Mapping[str, Any]:
    root = _folder(path, "--base-directory")
    there = (root / "models",) if (root / "models").is_dir() else ()
    return {"outputs": root / "outputs", "places": {places.CHECKPOINTS: there}}


_ATTENTION = "attention is torch's own fused kernel, which takes the least memory; nothing is left to choose"
_SAFE = "it would let a downloaded file run code on this machine. Use safetensors files; older ones are read safely"
_TOKEN = (
    "with --listen the studio asks for a token, printed at its start; programs give it as a bearer token or password"
)
_PREVIEW = "every step is shown anyway, through a small decoder"
_NOTHING_TO_SKIP = "nothing is tested or installed at the start; without a card the studio uses the processor"

FLAGS = (
    Flag("--api", sets=_always(api=True), help="speak AUTOMATIC1111's /sdapi/v1 and OpenAI's /v1, too"),
    Flag("--nowebui", sets=_always(api=True, nowebui=True), help="no page, only the interfaces for programs"),
    Flag("--medvram", sets=_memory("balanced"), help="use less memory of the card, somewhat slower"),
    Flag("--lowvram", sets=_memory("low"), help="use as little memory of the card as can be, slower"),
    Flag("--no-half", sets=_always(full_precision=True), help="compute in float32"),
    Flag("--ckpt", "FILE", _checkpoint, help="the model to begin with"),
    Flag("--ckpt-dir", "DIR", _place(places.CHECKPOINTS, "--ckpt-dir"), help="one more folder of models"),
    Flag("--lora-dir", "DIR", _place(places.LORAS, "--lora-dir"), help="one more folder of LoRAs"),
    Flag("--vae-dir", "DIR", _place(places.VAES, "--vae-dir"), help="one more folder of VAEs"),
    Flag("--embeddings-dir", "DIR", _place(places.EMBEDDINGS, "--embeddings-dir"),
         help="one more folder of embeddings"),
    Flag("--models-dir", "DIR", _place(places.CHECKPOINTS, "--models-dir"),
         help="a whole tree of models, as A1111 or ComfyUI has it"),
    Flag("--extra-model-paths-config", "FILE", lambda p: {"places": places.from_yaml(Path(p).expanduser())},
         help="ComfyUI's extra_model_paths.yaml"),
    Flag("--tls-certfile", "FILE", _file("tls_certfile"), help="serve https with this certificate (PEM)"),
    Flag("--tls-keyfile", "FILE", _file("tls_keyfile"), help="the private key of the certificate (PEM)"),
    # the same under other names
    Flag("--medvram-sdxl", sets=_memory("balanced")),
    Flag("--novram --lowram", sets=_memory("low")),
    Flag("--auto-launch --inbrowser", sets=_always(autolaunch=True)),
    Flag("--output-directory --output-path", "DIR", lambda path: {"outputs": Path(path).expanduser()}),
    Flag("--base-directory --data-dir", "DIR", _base),
    Flag("--server-name", "HOST", lambda name: {"host": name}),
    Flag("--cpu --force-cpu", sets=_always(device="cpu")),
    Flag("--use-cpu", "[PART ...]", _cpu_for),
    Flag("--device-id --cuda-device", "N", _card),
    Flag("--precision", "KIND", _precision),
    Flag("--force-fp32", sets=_always(full_precision=True)),
    # what the studio has in another way, or does anyway
    Flag("--share --ngrok", "[VALUE]", answer="it would open the studio to everybody who finds the address, through "
         "somebody else's server. Use --listen for your own network, and a tunnel of your own beyond it"),
    Flag("--gradio-auth --gradio-auth-path --api-auth --auth", "WHO", answer=_TOKEN),
    Flag("--xformers --opt-sdp-attention --opt-sdp-no-mem-attention --opt-split-attention --opt-split-attention-v1 "
         "--opt-sub-quad-attention --use-pytorch-cross-attention --use-split-cross-attention "
         "--use-quad-cross-attention --opt-channelslast --attention-split --attention-pytorch", answer=_ATTENTION),
    Flag("--upcast-sampling --no-half-vae --force-upcast-attention --fp32-vae",
         answer="each card gets the precision that is safe with it; --no-half computes all in float32"),
    Flag("--highvram --normalvram --gpu-only --always-gpu",
         answer="models stay on the card as long as they fit; --medvram and --lowvram ask for less"),
    Flag("--disable-smart-memory --always-offload-from-vram",
         answer="models that nobody uses leave the card when room is needed; --lowvram keeps the least there"),
    Flag("--reserve-vram", "GB", answer="the studio leaves a fifth of the free memory of a card to others by itself"),
    Flag("--deterministic", answer="the same request and seed always give the same pixels here"),
    Flag("--preview-method --preview-size", "VALUE", answer=_PREVIEW),
    Flag("--skip-torch-cuda-test --skip-version-check --skip-python-version-check --skip-install "
         "--skip-prepare-environment --reinstall-torch --no-hashing --no-download-sd-model --update-check",
         answer=_NOTHING_TO_SKIP),
    Flag("--theme", "NAME", answer="the page follows the system's light or dark; the button at its top changes it"),
    Flag("--language", "NAME", answer="the page follows the browser's language; the button at its top changes it"),
    Flag("--cors-allow-origins --enable-cors-header", "[ORIGINS]", answer="pages of other web sites are never let in; "
         "programs need no permission of that kind"),
    Flag("--subpath", "PATH", answer="the studio answers at the root of its address; a proxy before it can map a path"),
    Flag("--styles-file --ui-settings-file --ui-config-file", "FILE",
         answer="this file is not read; a picture's recipe brings all of its settings back"),
    Flag("--freeze-settings --hide-ui-dir-config", answer="nobody can change folders or settings from the page anyway"),
    Flag("--enable-insecure-extension-access --disable-extra-extensions --disable-all-extensions "
         "--disable-all-custom-nodes",
         answer="there are no extensions that could run code here"),
    Flag("--no-gradio-queue --queue --gradio-queue", answer="the studio has a queue of its own, which is always on"),
    Flag("--disable-tls-verify", answer="a certificate that you signed yourself is taken; it must only be whole and "
         "in date"),
    # what would make the studio less safe than its owner believes
    Flag("--disable-safe-unpickle --unsafe-unpickle", refused=True, answer=_SAFE),
    Flag("--allow-code", refused=True, answer="it would let whoever opens the page run code on this machine"),
)  # fmt: skip


def words(given: list[str], environment: Mapping[str, str]) -> list[str]:
    """The words of COMMANDLINE_ARGS, then those of the command line, which win. Raises BadRequest."""
    try:
        return [*shlex.split(environment.get(VARIABLE, "")), *given]
    except ValueError:
        raise BadRequest(
            "{variable} has a quotation mark without its other half. Close it or take it out.", variable=VARIABLE
        ) from None


def add(parser: argparse.ArgumentParser) -> None:
    """All of FLAGS; those that have a help stand in `--help`, and `--flags` lists every one."""
    group = parser.add_argument_group("models, memory, programs")
    parser.set_defaults(tls_certfile=None, tls_keyfile=None)
    parser.set_defaults(places={}, api=False, nowebui=False, memory="auto", full_precision=False, first_model="")
    for flag in FLAGS:
        count = {"": 0, "[VALUE]": "?", "[ORIGINS]": "?", "[PART ...]": "*"}.get(flag.takes)
        look: dict[str, Any] = {"metavar": flag.takes} if flag.takes and count is None else {}
        group.add_argument(
            *flag.words.split(), action=_Collect, nargs=count, flag=flag, help=flag.help or argparse.SUPPRESS, **look
        )
    group.add_argument(
        "--flags",
        action=_List,
        nargs=0,
        default=argparse.SUPPRESS,
        help="list all options of other tools, and what they do here",
    )


def settle(given: argparse.Namespace) -> list[str]:
    """Puts what the flags set into `given`, and returns the answers to print. Raises BadRequest."""
    answers = []
    for flag, spelling, value in given.noted:
        if flag.refused:
            raise BadRequest("{spelling} is not taken: {answer}.", spelling=spelling, answer=flag.answer)
        if flag.answer:
            answers.append(f"{spelling}: {flag.answer}.")
        for name, new in (flag.sets(value) if flag.sets else {}).items():
            setattr(given, name, places.joined(given.places, new) if name == "places" else new)
    return answers


def listed() -> str:
    lines = []
    for flag in FLAGS:
        does = flag.help or flag.answer or "the same under another name"
        lines.append(f"{', '.join(flag.words.split())}{' ' + flag.takes if flag.takes else ''}\n    {does}")
    return "\n".join(lines)


def _folder(path: str, option: str) -> Path:
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise BadRequest("{option} {path!r} is no folder. Name one that is there.", option=option, path=path[-60:])
    return folder.resolve()


class _Collect(argparse.Action):
    """Notes a flag with its value, in the order in which they were given."""

    def __init__(self, option_strings: list[str], dest: str, flag: Flag, **look: Any):
        look["default"] = ()
        super().__init__(option_strings, "noted", **look)
        self.flag = flag

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        value = " ".join(values) if isinstance(values, list) else values or ""
        namespace.noted = (*namespace.noted, (self.flag, option_string or "", value))


class _List(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        print(listed())
        parser.exit()


def host_of(given: argparse.Namespace) -> str:
    """Where to listen. ComfyUI's --listen may name addresses, of which the first is taken."""
    asked = given.listen.split(",")[0].strip() if isinstance(given.listen, str) else ""
    return given.host or asked or (network.EVERYWHERE if given.listen else network.LOOPBACK)
