"""What a picture of a place shows: its kind, time, weather and season, and the numbers that shape it."""

import random
from dataclasses import dataclass
from functools import cache

import numpy as np

TIMES = ("day", "sunrise", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "storm", "fog", "rainbow", "aurora")
SEASONS = ("", "spring", "autumn", "winter")
MOONS = ("", "full", "crescent")

DRY = {
    "day": ("clear", "cloudy", "fog"),
    "sunrise": ("clear", "cloudy"),
    "sunset": ("clear", "cloudy"),
    "night": ("clear", "cloudy"),
}
WET = DRY | {
    "day": ("clear", "cloudy", "rain", "storm", "fog", "rainbow"),
    "night": ("clear", "cloudy", "rain", "storm"),
}
COLD = WET | {"day": (*WET["day"], "snow"), "night": (*WET["night"], "snow")}
NORTHERN = COLD | {"night": (*COLD["night"], "aurora")}
ICY = DRY | {"day": (*DRY["day"], "snow"), "night": (*DRY["night"], "snow", "aurora")}
STILL = {"day": ("clear",), "sunset": ("clear",), "night": ("clear",)}


@dataclass(frozen=True)
class Kind:
    """What a kind of place may be: weathers by time, seasons, and how high its ground may begin, in pixels."""

    weathers: dict[str, tuple[str, ...]]
    seasons: tuple[str, ...] = ("",)
    horizon: tuple[float, float] = (66.0, 80.0)


KINDS: dict[str, Kind] = {
    "mountains": Kind(NORTHERN, ("", "winter"), (88.0, 98.0)),
    "hill": Kind(WET, ("", "spring", "autumn"), (80.0, 92.0)),
    "meadow": Kind(WET),
    "farm": Kind(WET, horizon=(70.0, 80.0)),
    "forest": Kind({**COLD, "day": ("clear", "cloudy", "rain", "storm", "fog", "snow")}, SEASONS, (80.0, 92.0)),
    "park": Kind(COLD, SEASONS, (66.0, 76.0)),
    "garden": Kind(WET, horizon=(72.0, 80.0)),
    "lake": Kind(WET | {"night": (*WET["night"], "aurora")}, ("", "autumn"), (64.0, 74.0)),
    "river": Kind(WET, ("", "autumn"), (62.0, 72.0)),
    "waterfall": Kind(DRY, horizon=(96.0, 102.0)),
    "sea": Kind(WET, horizon=(60.0, 78.0)),
    "beach": Kind(WET, horizon=(58.0, 68.0)),
    "island": Kind(WET, horizon=(64.0, 74.0)),
    "desert": Kind(DRY | {"day": ("clear", "cloudy")}, horizon=(68.0, 80.0)),
    "snow": Kind(ICY, ("winter",), (70.0, 82.0)),
    "volcano": Kind(DRY, horizon=(94.0, 102.0)),
    "road": Kind(COLD, ("", "autumn", "winter"), (60.0, 72.0)),
    "village": Kind(COLD, ("", "autumn", "winter"), (78.0, 88.0)),
    "street": Kind(COLD, ("", "autumn", "winter"), (90.0, 98.0)),
    "city": Kind(COLD, horizon=(98.0, 106.0)),
    "sky": Kind(
        {**WET, "day": ("clear", "cloudy", "rain", "storm", "rainbow"), "night": (*WET["night"], "aurora")},
        horizon=(128.0, 128.0),
    ),
    "space": Kind({"night": ("clear",)}, horizon=(128.0, 128.0)),
    "underwater": Kind({"day": ("clear",)}, horizon=(102.0, 110.0)),
    "room": Kind(STILL, horizon=(82.0, 92.0)),
    "bedroom": Kind(STILL, horizon=(80.0, 90.0)),
    "kitchen": Kind(STILL, horizon=(92.0, 100.0)),
}
INDOORS = ("room", "bedroom", "kitchen")
TIME_WEIGHTS = {"day": 0.4, "sunrise": 0.13, "sunset": 0.22, "night": 0.25}
CLEAR_SHARE = 0.5
"""How often the weather is clear where nothing else is asked for."""
MOON_WEIGHTS = {"": 0.25, "full": 0.4, "crescent": 0.35}


@dataclass(frozen=True)
class Place:
    """All that is drawn, in pixels of a picture of 128 x 128: the ground begins at `horizon`, the main feature stands
    at x = `focus`, the sun or moon at x = `light_x`. `seed` shapes everything else."""

    kind: str
    time: str
    weather: str
    season: str
    moon: str
    horizon: float
    focus: float
    light_x: float
    seed: int

    def numbers(self, part: str) -> random.Random:
        """The random numbers of one part of the picture, the same at every call and in every version of Python."""
        return random.Random(f"{self.seed} {part}")

    @property
    def white(self) -> bool:
        """Whether snow lies on the ground."""
        return self.season == "winter"


@cache
def combinations(kind: str) -> tuple[tuple[str, str, str], ...]:
    """Every (time, weather, season) that a place of this kind may have. Snow falls in winter only, and in winter no
    rain."""
    known = KINDS[kind]
    return tuple(
        (time, weather, season)
        for time, weathers in known.weathers.items()
        for weather in weathers
        for season in _seasons(known, weather)
    )


def _seasons(kind: Kind, weather: str) -> tuple[str, ...]:
    if weather == "snow":
        return ("winter",)
    if weather in ("rain", "storm", "rainbow", "fog"):
        return tuple(season for season in kind.seasons if season != "winter") or kind.seasons
    return kind.seasons


def random_place(
    rng: np.random.Generator,
    kind: str | None = None,
    time: str | None = None,
    weather: str | None = None,
    season: str | None = None,
) -> Place:
    """A place that fits what is asked for. Raises ValueError where no place does."""
    every = [
        (name, *look)
        for name in ([kind] if kind else KINDS)
        for look in combinations(name)
        if time in (None, look[0]) and weather in (None, look[1]) and season in (None, look[2])
    ]
    if not every:
        raise ValueError(f"no place is {kind}, {time}, {weather}, {season}")
    name = _pick(rng, [look[0] for look in every])
    times = [look[1] for look in every if look[0] == name]
    chosen_time = _pick(rng, times, TIME_WEIGHTS)
    weathers = [look[2] for look in every if look[:2] == (name, chosen_time)]
    sunny = "clear" in weathers and rng.random() < CLEAR_SHARE
    chosen_weather = "clear" if sunny else _pick(rng, weathers)
    chosen_season = _pick(rng, [look[3] for look in every if look[:3] == (name, chosen_time, chosen_weather)])
    moonlit = chosen_time == "night" and chosen_weather == "clear" and name != "space"
    moon = _pick(rng, list(MOONS), MOON_WEIGHTS) if moonlit else ""
    low, high = KINDS[name].horizon
    horizon, focus, light_x = rng.uniform(low, high), rng.uniform(44, 84), rng.uniform(18, 110)
    return Place(
        name, chosen_time, chosen_weather, chosen_season, moon,
        round(horizon, 1), round(focus, 1), round(light_x, 1), int(rng.integers(2**31)),
    )  # fmt: skip


def _pick(rng: np.random.Generator, options: list[str], weights: dict[str, float] | None = None) -> str:
    """One of the options, each different one once in the draw."""
    distinct = list(dict.fromkeys(options))
    if weights is None:
        return distinct[int(rng.integers(len(distinct)))]
    shares = np.array([weights[option] for option in distinct])
    return distinct[int(rng.choice(len(distinct), p=shares / shares.sum()))]
