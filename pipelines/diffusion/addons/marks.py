"""What a recipe says of the add-ons of its picture: their hashes, by which other people find the same files."""

from typing import Any

from pipelines.models.addons import files
from pipelines.models.addons.words import READERS, mentioned
from pipelines.requests.addons import all_loras, controlled, referenced


def recipe_words(request: Any, architecture: str) -> dict[str, Any]:
    """For `recipe.new`; empty without add-ons."""
    words: dict[str, Any] = {}
    if loras := all_loras(request):
        words["lora_hashes"] = {lora.name: files.payload_hash(files.find(files.LORA, lora.name)) for lora in loras}
    names = mentioned((request.prompt, request.negative_prompt)) if architecture in READERS else ()
    if names:
        words["ti_hashes"] = {name: files.file_hash(files.find(files.EMBEDDING, name)) for name in names}
    if controlled(request):
        words["control_hash"] = files.file_hash(files.find(files.CONTROL, request.control_model))
    if referenced(request):
        words["ip_adapter_hash"] = files.file_hash(files.find(files.IP_ADAPTER, request.ip_model))
    return words
