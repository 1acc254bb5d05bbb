"""The artists' published drawings, brought into one small file an artist: assets/data/drawings/ARTIST.json.xz.

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


@dataclass(frozen=True)
class Source:
    """An npm package of one artist's drawings; coordinates keep `digits` decimals on a canvas of `box` units."""

    package: str
    box: float
    digits: int


SOURCES = {
    "noto": Source("iconify-json-noto-1.2.9", 128, 2),
    "fluent-flat": Source("iconify-json-fluent-emoji-flat-1.2.6", 32, 3),
    "fluent": Source("iconify-json-fluent-emoji-1.2.7", 32, 2),
    "twemoji": Source("iconify-json-twemoji-1.2.5", 36, 3),
    "fxemoji": Source("iconify-json-fxemoji-1.2.2", 512, 1),
}
FXEMOJI_NAMES: dict[str, str] = {
    pair.split("=")[0]: pair.split("=")[1]
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
}
"""Where its name is not the Unicode name without spaces."""


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
    """Coordinates of paths rounded to `digits` decimals, ids shortened; all else stays as it is."""
    body = re.sub(r'\sd="([^"]*)"', lambda found: f' d="{minify_path(found[1], digits)}"', body)
    ids = sorted(set(re.findall(r'\sid="([^"]*)"', body)), key=len, reverse=True)
    for index, old in enumerate(ids):
        new = f"{index}_"  # no id of the packages looks like this
        body = body.replace(f'id="{old}"', f'id="{new}"').replace(f"(#{old})", f"(#{new})")
        body = body.replace(f'href="#{old}"', f'href="#{new}"')
    return re.sub(r'(id="|#)(\d+)_(?=[")])', r"\1p\2", body)


def minify_path(path: str, digits: int) -> str:
    """A path's commands with their numbers rounded to `digits` decimals."""
    result = ""
    for command, arguments in re.findall(r"([mlhvcsqtazMLHVCSQTAZ])([^mlhvcsqtazMLHVCSQTAZ]*)", path):
        numbers = [_rounded(number, digits) for number in _arguments(arguments, command in "aA")]
        result += command + " ".join(numbers).replace(" -", "-")
    return result


def _arguments(text: str, of_arc: bool) -> list[str]:
    """The numbers of one command; the two flags of an arc may stand without a space after them."""
    found: list[str] = []
    number, flag = re.compile(r"[\s,]*([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)"), re.compile(r"[\s,]*([01])")
    place = 0
    while match := (flag if of_arc and len(found) % 7 in (3, 4) else number).match(text, place):
        found.append(match[1])
        place = match.end()
    return found


def _rounded(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return re.sub(r"^(-?)0\.", r"\1.", "0" if text == "-0" else text)


def main(folder: Path) -> None:
    for artist, source in SOURCES.items():
        package = Package(artist, folder)
        bodies = {}
        for name, drawing in drawing_table.table().items():
            body = package.body(drawing.emoji, drawing.kind)
            if body and artist not in drawing.without:
                bodies[name] = minify(body, source.digits)
        text = json.dumps({"box": source.box, "bodies": bodies}, ensure_ascii=False, separators=(",", ":"))
        path = drawing_table.FOLDER / f"{artist}.json.xz"
        path.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))
        print(f"{artist}: {len(bodies)} drawings, {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
