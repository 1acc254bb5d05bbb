"""A prompt while it is being written, as a model's vocabulary hears it."""

from dataclasses import dataclass
from typing import Any

from pipelines import models, prompts
from pipelines.params import Choice, Text, param
from pipelines.prompts import unheard, vocabulary
from pipelines.requests.in_prompt import WordsAlone

MOST_SUGGESTED = 24
"""Different words that the nearest are looked for; a person who wrote more of them reads the first."""


@dataclass(frozen=True)
class WordingRequest(WordsAlone):
    """A prompt, and what decides how it is read."""

    prompt: str = param("", Text(prompts.MOST_CHARACTERS), "What the picture should show.")
    model: str = param("aigc-mini", Choice(models.installed, models.resolve), "The trained model that reads it.")
    prompt_syntax: str = param("a1111", Choice(prompts.SYNTAXES), "How brackets and weights are read.")


def unheard_words(request: WordingRequest) -> dict[str, Any]:
    """`vocabulary`: the digest of what the model knows, None where it knows no closed number of words; `unheard`: the
    places of words that it does not hear, in characters of the prompt, and what it has nearest to each."""
    request.check()
    known = vocabulary.of_model(models.find(request.model))
    if known is None:
        return {"vocabulary": None, "unheard": []}
    found = unheard.unheard(request.prompt, known, request.prompt_syntax, unheard.learned())
    first = list(dict.fromkeys(one.pieces for one in found))[:MOST_SUGGESTED]
    return {
        "vocabulary": known.digest,
        "unheard": [
            {
                "start": one.start,
                "end": one.end,
                "text": one.text,
                "thing": one.thing,
                "kinds": list(one.kinds),
                "near": [
                    {"text": near.text, "picture": near.picture}
                    for near in (unheard.suggestions(one, request.prompt, known) if one.pieces in first else ())
                ],
            }
            for one in found
        ],
    }
