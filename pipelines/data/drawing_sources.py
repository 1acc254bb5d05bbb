"""The artists' drawings as they are published, brought into one small file an artist: assets/data/drawings/ARTIST.json.xz.

`python -m pipelines.data.drawing_sources FOLDER` reads the unpacked npm packages (`npm pack PACKAGE`) from
FOLDER/PACKAGE-NAME-VERSION/package, for example FOLDER/iconify-json-noto-1.2.9/package.
"""

import json
import lzma
import re
import sys
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path

from pipelines.data import drawing_table

SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
SKIN_KINDS = ("person", "body")
"""Kinds with skin: one of five natural tones by the drawing's name. Faces stay yellow."""
LARGEST_BODY = 60_000


@dataclass(frozen=True)
class Source:
    """An npm package of one artist's drawings; coordinates keep `digits` decimals on a canvas of `box` units."""

    package: str
    box: float
    digits: int


SOURCES = {
    "noto": Source("iconify-json-noto-1.2.9", 128, 1),
    "fluent-flat": Source("iconify-json-fluent-emoji-flat-1.2.6", 32, 2),
    "fluent": Source("iconify-json-fluent-emoji-1.2.7", 32, 2),
    "twemoji": Source("iconify-json-twemoji-1.2.5", 36, 2),
    "fxemoji": Source("iconify-json-fxemoji-1.2.2", 512, 0),
}
FXEMOJI_NAMES = dict(
    pair.split("=")
    for pair in """
    🐈=catside 🐱=cat 🐕=dogside 🐶=dog 🐖=pigside 🐷=pig 🐅=tigerside 🐯=tiger 🐆=leopardside 🐁=mouseside 🐭=mouse
    🐇=bunnyside 🐰=bunny 🐉=dragonside 🐲=dragonhead 🐻=bear 🐸=frog 🐹=hampster 🐥=frontfacingchick 🐳=spurtingwhale
    🙈=monkeysee 🙉=monkeyhear 🙊=monkeyspeak 🌲=evergreen 💐=bouquetofflowers 🍃=leaffluttering 🍂=fallingleaf
    🌶=chilipepper ❤=redheart 💘=heartarrow 💝=heartribbon 🏎=racecar 🏍=motorcycle 🚅=highspeedtrainbulletnose
    🌍=europeafricaglobe 🌧=raincloud 🌨=snowcloud 🌪=tornado ☀=sunrays 🌤=whitesunsmallcloud 🌕=fullmoon ⭐=star
    🏔=snowmountains 💥=collision 💨=dash 👴=gpa 👵=gma 👱=blonde 👳=turban 👰=bride 🏊=swimming
    😊=smileeyes 🙂=smallsmile 😂=grintears 😉=winking 😇=halo 😍=hearteyes 😐=neutral 😏=smirk 😴=sleeping
    😷=medicalmask 😮=openmouth 😳=flushed 😭=loudlycrying 😢=crying 😱=screamfear 😈=devilhorns 💩=poo 👽=alien
    👍=thumbsup 👎=thumbsdown 👌=aok 👋=waving ✊=fistedhand 👏=clap 🙏=pray 💪=flexbicep 👄=lips 👔=tie
    👚=womansshirt 👠=heels 👡=sandals 👢=boot 👞=mensshoe 👓=glasses 👛=pinkwallet 🎀=bow 🎁=present 💎=gem
    🎾=tennisball 💡=lightbulb 📱=cellphone 🖨=printericon 💿=opticaldiscicon 📢=loudspeaker 📣=megaphone 📁=folder
    📌=blackpushpin 🔍=leftmagnifyingglass 🍴=forkknife 🗼=toykotower 🕰=manltepiececlock 💵=banknotedollar
    """.split()
)


def codepoints(emoji: str) -> str:
    return "-".join(f"{ord(c):x}" for c in emoji if c != "\ufe0f")


def toned(emoji: str, tone: str) -> str:
    """The emoji of a person or hand in a skin tone."""
    return emoji[0] + tone + emoji[1:].removeprefix("\ufe0f")


class Package:
    """One artist's package: the SVG body of an emoji."""

    def __init__(self, artist: str, folder: Path) -> None:
        self.artist = artist
        path = folder / SOURCES[artist].package / "package"
        content = json.loads((path / "icons.json").read_text("utf-8"))
        self.icons: dict[str, dict[str, str]] = content["icons"]
        self.aliases: dict[str, dict[str, str]] = content.get("aliases", {})
        characters = folder / SOURCES["fluent-flat" if artist == "fluent" else artist].package / "package/chars.json"
        self.names: dict[str, str] = json.loads(characters.read_text("utf-8"))

    def name(self, emoji: str, kind: str) -> str:
        """The package's name for the emoji; "" if it has none."""
        if self.artist == "fxemoji":
            if len(codepoints(emoji).split("-")) > 1:
                return ""
            standard = re.sub("[^a-z0-9]", "", unicodedata.name(emoji[0], "").lower())
            return FXEMOJI_NAMES.get(emoji[0], standard)
        if kind in SKIN_KINDS:
            tone = SKIN_TONES[zlib.crc32(f"{emoji} by {self.artist}".encode()) % len(SKIN_TONES)]
            name = self.names.get(codepoints(toned(emoji, tone)), "")
            if name in self.icons or name in self.aliases:
                return name
        return self.names.get(codepoints(emoji), "")

    def body(self, emoji: str, kind: str) -> str:
        name = self.name(emoji, kind)
        while name in self.aliases:
            name = self.aliases[name]["parent"]
        return self.icons.get(name, {}).get("body", "")


def minify(body: str, digits: int) -> str:
    """Coordinates rounded to `digits` decimals, ids shortened; colours, opacities and gradients stay as they are."""

    def shorter(number: re.Match[str]) -> str:
        text = f"{float(number[0]):.{digits}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return {"-0": "0", "": "0"}.get(text, text)

    def coordinates(attribute: re.Match[str]) -> str:
        if attribute[1] == "d":  # an arc's two flags may stand without a space between them: leave such paths alone
            if re.search(r"[aA]", attribute[2]):
                return _arcs(attribute, digits)
            numbers = re.sub(r"-?\d*\.\d+(?:e-?\d+)?", lambda n: " " + shorter(n), attribute[2])
            return f' {attribute[1]}="{re.sub(r" +", " ", numbers)}"'
        return attribute[0]

    body = re.sub(r'\s(d)="([^"]*)"', coordinates, body)
    ids = list(dict.fromkeys(re.findall(r'\sid="([^"]*)"', body)))
    for index, old in enumerate(sorted(ids, key=len, reverse=True)):
        body = body.replace(f'id="{old}"', f'id="_{index}"').replace(f"(#{old})", f"(#_{index})")
        body = body.replace(f'href="#{old}"', f'href="#_{index}"')
    return body.replace('id="_', 'id="p').replace("(#_", "(#p").replace('href="#_', 'href="#p')


def _arcs(attribute: re.Match[str], digits: int) -> str:
    """A path with arcs: only numbers of four decimals and more are rounded, which no flags can be part of."""
    numbers = re.sub(
        r"-?\d*\.\d{3,}", lambda n: f"{float(n[0]):.{max(2, digits)}f}".rstrip("0").rstrip("."), attribute[2]
    )
    return f' d="{numbers}"'


def main(folder: Path) -> None:
    for artist, source in SOURCES.items():
        package = Package(artist, folder)
        bodies = {}
        for name, drawing in drawing_table.table().items():
            body = package.body(drawing.emoji, drawing.kind)
            if body and len(body) <= LARGEST_BODY and artist not in drawing.without:
                bodies[name] = minify(body, source.digits)
        text = json.dumps({"box": source.box, "bodies": bodies}, ensure_ascii=False, separators=(",", ":"))
        path = drawing_table.FOLDER / f"{artist}.json.xz"
        path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        print(f"{artist}: {len(bodies)} drawings, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
