"""What a file says of itself in its metadata: title, author, licence, trigger words, prediction, base; all of it data.

modelspec.* is the common standard; ss_* is written by kohya's trainer.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping

MOST_WORDS, LONGEST_WORD = 24, 120
LONGEST_TEXT = 2000
BASES = (
    # a pattern in modelspec.architecture or ss_base_model_version, and the base that it means
    (r"flux[-_.]?2", "flux2"),
    (r"flux", "flux"),
    (r"(stable-diffusion-3|sd3|sd_3)", "sd3"),
    (r"xl.*refiner|refiner.*xl", "sdxl-refiner"),
    (r"(stable-diffusion-xl|sdxl|sd_xl)", "sdxl"),
    (r"(stable-diffusion-v2|sd_v2|sd2)", "sd2"),
    (r"(stable-diffusion-v1|sd_v1|sd1)", "sd1"),
    (r"pixart", "pixart"),
    (r"sana", "sana"),
    (r"(hunyuan-?dit|hydit)", "hunyuan-dit"),
    (r"aura-?flow", "auraflow"),
    (r"qwen", "qwen-image"),
    (r"wan", "wan"),
)
PREDICTIONS = {
    "epsilon": "epsilon",
    "eps": "epsilon",
    "v": "v_prediction",
    "v_prediction": "v_prediction",
    "v-prediction": "v_prediction",
    "flow": "flow_prediction",
    "flow_prediction": "flow_prediction",
}


def base(metadata: Mapping[str, str]) -> str:
    """The base that is named, or ""."""
    for key in ("modelspec.architecture", "ss_base_model_version"):
        said = metadata.get(key, "")[:200].lower()
        for pattern, architecture in BASES if said else ():
            if re.search(pattern, said):
                return architecture
    return "sd2" if metadata.get("ss_v2") == "True" else ""


def prediction(metadata: Mapping[str, str]) -> str:
    """The prediction type that is named, or ""."""
    said = metadata.get("modelspec.prediction_type", "").strip().lower()
    if said in PREDICTIONS:
        return PREDICTIONS[said]
    version = metadata.get("ss_base_model_version", "").lower()
    named = metadata.get("ss_v_parameterization", "").lower() == "true" or version.startswith("sd_v2_v")
    return "v_prediction" if named or metadata.get("ss_parameterization") == "v" else ""


def text(metadata: Mapping[str, str], *keys: str) -> str:
    """The first of these that says something, without control characters, cut at LONGEST_TEXT."""
    for key in keys:
        said = plain(metadata.get(key, ""))
        if said and said.lower() not in ("none", "null"):
            return said
    return ""


def plain(said: str, most: int = LONGEST_TEXT) -> str:
    return "".join(c for c in said[: most * 2] if c.isprintable() or c == "\n").strip()[:most]


def trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """What to write in a prompt: the phrase that is named, else the tags that most of the training pictures had."""
    phrase = text(metadata, "modelspec.trigger_phrase")
    return words(phrase) if phrase else _frequent_tags(metadata.get("ss_tag_frequency", ""))


def words(phrase: str) -> tuple[str, ...]:
    parts = (plain(part, LONGEST_WORD) for part in re.split(r"[,\n;]", phrase[: 4 * LONGEST_TEXT]))
    return tuple(dict.fromkeys(filter(None, parts)))[:MOST_WORDS]


def _frequent_tags(raw: str) -> tuple[str, ...]:
    """{folder: {tag: how many pictures have it}} -> tags that at least a third as many pictures have as the first."""
    try:
        folders = json.loads(raw or "{}")
    except (ValueError, RecursionError):
        return ()
    counts: Counter[str] = Counter()
    for tags in folders.values() if isinstance(folders, dict) else ():
        for tag, count in tags.items() if isinstance(tags, dict) else ():
            if isinstance(count, int) and count > 0 and (word := plain(str(tag), LONGEST_WORD)):
                counts[word] += count
    best = counts.most_common(MOST_WORDS)
    return tuple(word for word, count in best if count * 3 >= best[0][1])[:8]
