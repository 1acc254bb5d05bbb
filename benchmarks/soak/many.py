"""Many small wrong things in turn, folders of models, pictures and bodies: how each ended and the slowest of them."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from benchmarks.soak.attack import attack
from benchmarks.soak.models import SOUND, changed_model
from benchmarks.studio import OVER, Studio
from pipelines import places
from tests.mutations import Mutation, mutations
from tests.pipelines.store import hostile_pictures as hostile

CONFIGS, PICTURES, BODIES = 300, 200, 50
LONGEST_SECONDS = 60
FIELDS = ("prompt", "steps", "width", "seed", "styles", "sampler_name", "override_settings", "alwayson_scripts")
VALUES: tuple[Any, ...] = ([], {}, [[[[[1]]]]], "many", -1, 10**30, True, {"a": {"b": [None]}})


def endings(attempts: Iterable[tuple[str, Callable[[], str]]]) -> str:
    """How often each ending came, how long the slowest attempt took, and its name; the names of bugs."""
    counts: Counter[str] = Counter()
    times: list[tuple[float, str]] = []
    bugs: list[str] = []
    for name, attempt in attempts:
        began = time.monotonic()
        ending = attempt()
        counts[ending] += 1
        bugs += [name] if ending in ("bug", "500") else []
        times.append((time.monotonic() - began, name))
    seconds, slowest = max(times)
    bad = f"; mistakes of the studio: {', '.join(bugs)}" if bugs else ""
    ended = ", ".join(f"{count} x {ending}" for ending, count in sorted(counts.items()))
    return f"{ended}; slowest {seconds:.1f} s ({slowest}){bad}"


@attack(f"{CONFIGS} copies of a model, one value of one config changed in each")
def configs(studio: Studio) -> str:
    changes = enumerate(mutations(places.EMBEDDED / SOUND, CONFIGS))
    return endings((str(change), partial(_painted, studio, f"value{number}", change)) for number, change in changes)


def _painted(studio: Studio, name: str, mutation: Mutation) -> str:
    """How a picture with that model ended: done, or the code of the error."""
    with changed_model(name, str(mutation.file), mutation.change) as model:
        body = {"generator": "text-to-image", "request": {"model": model, "prompt": "x", "num_inference_steps": 1}}
        answer = studio.http.post("/api/v1/jobs", json=body)
        if answer.status_code != 201:
            return str(answer.json()["error"]["code"])
        until = time.monotonic() + LONGEST_SECONDS
        while (seen := studio.http.get(f"/api/v1/jobs/{answer.json()['id']}").json())["state"] not in OVER:
            if time.monotonic() > until:
                studio.http.delete(f"/api/v1/jobs/{answer.json()['id']}")
            time.sleep(0.02)
    return str(seen["error"]["code"] if seen.get("error") else seen["state"])


@attack(f"{PICTURES} hostile and damaged pictures, one after the other")
def pictures(studio: Studio) -> str:
    def sent(data: bytes) -> str:
        return str(studio.http.post("/api/v1/inputs", content=data, timeout=LONGEST_SECONDS).status_code)

    return endings((name, partial(sent, data)) for name, data in itertools.islice(_pictures(), PICTURES))


def _pictures() -> Iterator[tuple[str, bytes]]:
    """The hostile ones by name, then again and again with a few bytes changed."""
    source = random.Random(0)
    made = [(name, make()) for name, make in (hostile.REFUSED | hostile.READ).items()]
    yield from made
    while True:
        name, whole = source.choice(made)
        data = bytearray(whole)
        for _ in range(source.randint(1, 20)):
            data[source.randrange(len(data))] = source.randrange(256)
        yield f"{name}, changed", bytes(data)


@attack(f"{BODIES} bodies in which one value is of the wrong kind", "--api")
def bodies(studio: Studio) -> str:
    def sent(field: str, value: Any) -> str:
        body = {"steps": 1, "width": 64, "height": 64} | {field: value}
        answer = studio.http.post("/sdapi/v1/txt2img", json=body, timeout=LONGEST_SECONDS)
        python = any(word in answer.text for word in ("None,", "NoneType", "got None")) and answer.status_code >= 400
        return f"{answer.status_code}{' in words of Python' if python else ''}"

    pairs = itertools.islice(itertools.product(FIELDS, VALUES), BODIES)
    return endings((f"{field} = {str(value)[:30]}", partial(sent, field, value)) for field, value in pairs)
