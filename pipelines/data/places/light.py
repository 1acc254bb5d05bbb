"""The light of a time and a weather: the sky's colours, and what they make of the colours of things."""

from dataclasses import dataclass
from functools import cache

from pipelines.data.places.paint import Colour, mix

Sky = tuple[Colour, Colour, Colour]

SKIES: dict[str, Sky] = {
    "day": ((64, 158, 238), (142, 206, 250), (220, 242, 252)),
    "sunrise": ((128, 178, 232), (248, 200, 210), (255, 230, 176)),
    "sunset": ((82, 50, 128), (230, 90, 98), (255, 182, 78)),
    "night": ((12, 18, 56), (26, 42, 98), (62, 84, 148)),
}
"""From the top of the sky to the horizon, by time."""
CASTS: dict[str, tuple[Sky, float]] = {
    "clear": (SKIES["day"], 0.0),
    "rainbow": (((120, 176, 222), (176, 214, 236), (224, 240, 244)), 0.7),
    "cloudy": (((136, 164, 194), (182, 202, 220), (216, 226, 234)), 0.75),
    "rain": (((92, 110, 134), (130, 148, 168), (166, 180, 192)), 1.0),
    "snow": (((160, 182, 208), (200, 214, 230), (228, 236, 244)), 1.0),
    "storm": (((40, 40, 62), (66, 68, 96), (108, 108, 134)), 1.0),
    "fog": (((196, 204, 210), (210, 216, 220), (224, 228, 230)), 1.0),
}
"""What a weather makes of the sky by day, and how much of it."""
DIM: dict[str, Colour] = {"sunrise": (214, 190, 206), "sunset": (150, 92, 118), "night": (34, 40, 64)}
"""The grey that clouds bring to the other times."""
DIMMED = {
    "clear": 0.0,
    "cloudy": 0.5,
    "rain": 0.7,
    "snow": 0.55,
    "storm": 0.75,
    "fog": 0.6,
    "rainbow": 0.0,
    "aurora": 0.0,
}

TINTS: dict[str, tuple[Colour, Colour]] = {
    # what things' colours are multiplied by, in 256ths, and what is added
    "day": ((256, 256, 256), (0, 0, 0)),
    "sunrise": ((246, 222, 218), (10, 2, 8)),
    "sunset": ((218, 150, 138), (20, 6, 26)),
    "night": ((82, 100, 148), (8, 12, 34)),
}
GREYS = {
    "clear": 0.0,
    "aurora": 0.0,
    "rainbow": 0.0,
    "cloudy": 0.15,
    "rain": 0.3,
    "snow": 0.15,
    "storm": 0.35,
    "fog": 0.3,
}
DARKS = {
    "clear": 1.0,
    "aurora": 1.0,
    "rainbow": 1.0,
    "cloudy": 0.93,
    "rain": 0.8,
    "snow": 0.96,
    "storm": 0.58,
    "fog": 0.96,
}
HAZES = {
    "clear": 0.55,
    "aurora": 0.45,
    "rainbow": 0.5,
    "cloudy": 0.6,
    "rain": 0.75,
    "snow": 0.75,
    "storm": 0.55,
    "fog": 0.95,
}


@dataclass(frozen=True)
class Light:
    """`sky` from the top to the horizon; things are greyed, darkened, tinted, and fade into the sky with distance."""

    time: str
    weather: str
    sky: Sky
    grey: float
    dark: float
    haze: float

    def on(self, colour: Colour, distance: float = 0.0) -> Colour:
        """What a thing of this colour looks like; `distance` is 0 for near and 1 for the horizon."""
        level = sum(colour) / 3
        (tint, added) = TINTS[self.time]
        lit = tuple(
            int(min(255, (c + (level - c) * self.grey) * self.dark * t / 256 + a))
            for c, t, a in zip(colour, tint, added, strict=True)
        )
        return mix((lit[0], lit[1], lit[2]), self.sky[2], distance * self.haze)

    @property
    def dim(self) -> bool:
        """Whether lamps are lit."""
        return self.time in ("sunset", "night") or self.weather == "storm"


@cache
def light(time: str, weather: str) -> Light:
    sky = SKIES[time]
    if time == "day":
        cast, share = CASTS[weather]
        sky = tuple(mix(a, b, share) for a, b in zip(sky, cast, strict=True))
    else:
        share = DIMMED[weather]
        greys = (mix(DIM[time], (0, 0, 0), 0.15), DIM[time], mix(DIM[time], (255, 255, 255), 0.12))
        sky = tuple(mix(a, b, share) for a, b in zip(sky, greys, strict=True))
    return Light(time, weather, (sky[0], sky[1], sky[2]), GREYS[weather], DARKS[weather], HAZES[weather])
