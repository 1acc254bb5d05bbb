"""What a recipe says of the add-ons of its picture: their hashes, by which other people find the same files."""

from typing import Any

from pipelines.models.addons import files, loras
from pipelines.models.addons.words import READERS, mentioned
from pipelines.requests.loras import all_loras
from pipelines.requests.text_to_image import TextToImageRequest


def recipe_words(request: TextToImageRequest, architecture: str) -> dict[str, Any]:
    """For `recipe.new`; empty without add-ons."""
    words: dict[str, Any] = {}
    used = {lora.name: loras.find(lora.name)[0] for lora in all_loras(request)}
    if hashes := {name: files.payload_hash(path) for name, path in used.items() if path is not None}:
        words["lora_hashes"] = hashes
    names = mentioned((request.prompt, request.negative_prompt)) if architecture in READERS else ()
    if names:
        words["ti_hashes"] = {name: files.file_hash(files.find(files.EMBEDDING, name)) for name in names}
    for unit in request.used_controls():
        words[unit.numbered("control_hash")] = files.file_hash(files.find(files.CONTROL, unit.model))
    for unit in request.used_references():
        words[unit.numbered("ip_adapter_hash")] = files.file_hash(files.find(files.IP_ADAPTER, unit.model))
    return words
