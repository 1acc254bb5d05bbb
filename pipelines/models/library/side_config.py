"""The config of its first authors beside a checkpoint, `model.yaml`: whether the network predicts the noise or v."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pipelines.errors import BadRequest
from pipelines.files import bounded_yaml, plain
from pipelines.models.library.kinds import Recognised

UNETS = ("sd1", "sd2", "sdxl", "sdxl-refiner")


def with_side_config(found: Recognised, checkpoint: Path) -> Recognised:
    """What was found of a checkpoint, and what its config says where the file itself says nothing."""
    if found.kind not in ("checkpoint", "denoiser") or found.architecture not in UNETS:
        return found
    if found.prediction_known_from == "file" or not (prediction := _prediction(checkpoint.with_suffix(".yaml"))):
        return found
    return replace(found, prediction_type=prediction, prediction_known_from="file")


def _prediction(file: Path) -> str:
    """As `model.params.parameterization` says it, which stands for "eps" where it is missing; "" without a config."""
    try:
        text = plain.read(file, bounded_yaml.MOST_BYTES).decode("utf-8")
        config = bounded_yaml.loads(text, file.name[:60])
    except (OSError, UnicodeDecodeError, BadRequest):
        return ""
    match config:
        case {"model": {"params": {"parameterization": str(said)}}}:
            return {"v": "v_prediction", "eps": "epsilon"}.get(said, "")
        case {"model": {"params": dict(params)}} if "unet_config" in params or "linear_start" in params:
            return "epsilon"
    return ""
