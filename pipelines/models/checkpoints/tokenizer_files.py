"""Opening a tokenizer that a stranger may have made: its files are looked over before any library reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines import libs
from pipelines.errors import BadFile, Sentence
from pipelines.models import strangers
from pipelines.models.checkpoints import tokenizer_rules
from pipelines.models.faults import as_bad_file
from pipelines.params import described

CLASSES = frozenset("Bart Bert ByT5 CLIP GPT2 Gemma Llama MT5 Qwen2 Roberta T5 UMT5 XLMRoberta".split())
"""Classes of transformers whose tokenizers read the prompts of diffusers' pipelines, without "Tokenizer(Fast)"."""
BACKENDS = frozenset({"PreTrainedTokenizerFast", "TokenizersBackend"})
MOST_ENTRIES, MOST_IDS, MOST_TOKENS = 20_000, 1000, 4096
MOST_SETTINGS_BYTES = 2**21
BUILT = (
    "tokenizer_object gguf_file init_inputs post_processor vocab merges tokenizer_truncation tokenizer_padding".split()
)
"""Arguments of the classes that no saved tokenizer_config.json has, and that would replace what was looked over."""
SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")


def opened(folder: Path, part: str, kind: Any = None, trusted: bool = False) -> Any:
    """The tokenizer in that folder, of a class of transformers or of the one that its files suggest. Raises BadFile."""
    sentence = Sentence(
        "the files of {part} are damaged, or need a library that is not here. Copy the folder again.", part=part[:40]
    )
    with as_bad_file(sentence, f"{part[:40]}/{SETTINGS[0]}", _settings(folder)):
        if not trusted:
            check(folder, part)
        kind = kind or _usual(folder)
        _check_class(kind, part)
        loaded = kind.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
        if not trusted:
            _check_built(loaded, folder, part)
        return loaded


def _settings(folder: Path) -> dict[str, Any]:
    return strangers.read_json(folder / SETTINGS[0], MOST_SETTINGS_BYTES) if (folder / SETTINGS[0]).is_file() else {}


def check(folder: Path, part: str) -> None:
    """Raises BadFile where one of a tokenizer's files could cost more than a real one's does."""
    for name in SETTINGS:
        if (folder / name).is_file():
            _check_settings(strangers.read_json(folder / name, MOST_SETTINGS_BYTES), f"{part}/{name}")
    if (folder / "tokenizer.json").is_file():
        tokenizer_rules.check(_read(folder / "tokenizer.json", f"{part}/tokenizer.json"), f"{part}/tokenizer.json")


def holds_one(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", *SETTINGS))


def _usual(folder: Path) -> Any:
    kinds = (("tokenizer.json", "PreTrainedTokenizerFast"), ("spiece.model", "T5TokenizerFast"))
    return libs.named(
        "transformers", next((kind for file, kind in kinds if (folder / file).is_file()), "CLIPTokenizer")
    )


def _check_class(kind: Any, part: str) -> None:
    name = kind.__name__
    if name not in BACKENDS and name.removesuffix("Fast").removesuffix("Tokenizer") not in CLASSES:
        raise BadFile(
            "{part} is a {name}; only {known} tokenizers and TokenizersBackend are known here. Choose another model.",
            part=part[:40],
            name=name[:60],
            known=", ".join(sorted(CLASSES)),
        )


def _read(path: Path, label: str) -> dict[str, Any]:
    if path.stat().st_size > strangers.MOST_TOKENIZER_BYTES:
        raise BadFile("{label} is larger than any real one; get the model from another source.", label=label)
    return strangers.json_object(path.read_bytes(), label, _object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of small ones each key counts: of two that are alike, another reader may take the other one."""
    made = dict(pairs)
    if len(made) != len(pairs) < MOST_IDS:
        raise ValueError("duplicate keys")
    return made


def _check_settings(settings: dict[str, Any], label: str) -> None:
    strangers.refuse_code(label, settings)
    for key, value in settings.items():
        if isinstance(value, (list, dict)) and len(value) > MOST_ENTRIES:
            raise BadFile(
                "{key} in {label} has {number} entries; at most {most} are allowed.",
                key=key[:40],
                label=label,
                number=len(value),
                most=MOST_ENTRIES,
            )
        if isinstance(value, list) and len(value) > MOST_IDS:
            raise BadFile(
                "{key} in {label} has {number} entries; at most {most} are allowed.",
                key=key[:40],
                label=label,
                number=len(value),
                most=MOST_IDS,
            )
        leads = value and (key in BUILT or key == "fast_tokenizer_files" or key.endswith("_file") and "/" in str(value))
        if leads or key.startswith("_json_") or key == "backend" and value not in ("tokenizers", None):
            raise BadFile(
                "{label} sets {key}, which no saved tokenizer does. Take the model's own tokenizer.",
                label=label,
                key=key[:40],
            )
        if key.endswith("_token") and not (value is None or isinstance(value, (str, dict, bool))):
            raise BadFile("{key} in {label} must be text; got {got}.", key=key[:40], label=label, got=described(value))
        if key.startswith(("extra_ids", "num_", "pad_to_multiple_of")) and not _is_count(value):
            raise BadFile(
                "{key} in {label} is {value}; at most {most} is allowed.",
                key=key[:40],
                label=label,
                value=described(value),
                most=MOST_IDS,
            )


def _is_count(value: Any) -> bool:
    return value is None or isinstance(value, int) and 0 <= value <= MOST_IDS


def _check_built(loaded: Any, folder: Path, part: str) -> None:
    """What a class has made of other files than tokenizer.json keeps to the same rules, and to a real length."""
    backend = getattr(loaded, "backend_tokenizer", None)
    if backend is not None and not (folder / "tokenizer.json").is_file():
        tokenizer_rules.check(json.loads(backend.to_str()), part)
    length = loaded.model_max_length
    if not isinstance(length, (int, float)) or length < 1:
        raise BadFile(
            "model_max_length in {part}/tokenizer_config.json is {length}, less than any real one.",
            part=part,
            length=described(length),
        )
    loaded.model_max_length = int(min(length, MOST_TOKENS))
