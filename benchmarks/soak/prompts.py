"""Prompts of the longest length that is taken, made to be slow."""

from benchmarks.soak.attack import attack
from benchmarks.studio import Studio

LONGEST = 10_000
DRAWS = "{999$$" + "|" * (LONGEST - 7) + "}"
STATES = "[" + "|".join(map(str, range(150))) + "]"


def answered(studio: Studio, route: str, body: dict) -> str:
    answer = studio.http.post(f"/api/v1/{route}", json=body, timeout=120)
    error = answer.json().get("error", {})
    return f"{answer.status_code} {error.get('message', '')[:70]}".strip()


@attack("16 pictures of a prompt of 999 draws among 10,000 options")
def draws(studio: Studio) -> str:
    return answered(studio, "estimate", {"request": {"prompt": DRAWS, "negative_prompt": DRAWS, "count": 16}})


@attack("16 pictures of a prompt of 10,000 brackets, its start left to chance")
def brackets(studio: Studio) -> str:
    prompt = "{a|b} " + STATES + "(" * (LONGEST - len(STATES) - 6)
    return answered(studio, "estimate", {"request": {"prompt": prompt, "negative_prompt": prompt, "count": 16}})


@attack("tokens of a prompt of 2,400 weights in 20 states, counted")
def weights(studio: Studio) -> str:
    return answered(studio, "prompt/tokens", {"prompt": (STATES + "(a)b" * 2400)[:LONGEST]})
