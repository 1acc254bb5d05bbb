"""The command line: `python -m pipelines generate "a red circle" --steps 20 --seed 1 --out pictures`.

generate    a prompt to PNG files that carry their recipes; --image starts from a picture, --mask-image keeps parts
reproduce   a picture made here once more: whether it comes out the same, and where not, from which step on
film        how a picture made here came about, step by step, as WebP, GIF or MP4
info        the device, the models that are installed, and the versions
convert     a checkpoint to safetensors, import: any model file into models, download: one from the hub
evaluate    how well a model draws what it is asked for; takes options of its own

Bad input ends in one sentence on stderr and exit code 2; Ctrl-C keeps what is painted so far and ends with 130.
"""

import argparse
import importlib.metadata
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

from pipelines import libs, models
from pipelines.errors import BadFile, Sentence, StudioError
from pipelines.models.converting import command
from pipelines.params import Choice, Field, Picture, Range, Request

ALIASES = {
    "num_inference_steps": ("steps",),
    "guidance_scale": ("guidance",),
    "num_train_timesteps": ("train-steps",),
    "negative_prompt": ("negative",),
}
LIBRARIES = ("torch", "diffusers", "transformers", "safetensors", "gradio")
OTHERWISE, BAD_INPUT, INTERRUPTED = 1, 2, 130
"""`OTHERWISE`: a picture did not come out the same."""


class Parser(argparse.ArgumentParser):
    """argparse that says what is wrong in one sentence, without the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{message}; see {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    libs.prepare_environment()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["evaluate"]:  # its options are its own
            return _evaluate(given[1:])
        options = build_parser().parse_args(given)
        return options.run(options)
    except StudioError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        return INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m pipelines", description="AIGC Studio without a page.")
    verbs = parser.add_subparsers(dest="verb", required=True, parser_class=Parser)
    generate = verbs.add_parser("generate", help="a prompt to PNG files that carry their recipes")
    _add_fields(generate, _generator("text-to-image").request_type.fields())
    generate.add_argument("--out", default="outputs", metavar="DIR", help="where the pictures go (outputs)")
    generate.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (auto)")
    generate.add_argument(
        "--no-source-type", action="store_true", help="do not say in the pictures that they were made by AI (IPTC)"
    )
    generate.add_argument("--quiet", action="store_true", help="no progress bar")
    generate.set_defaults(run=_generate)
    reproduce = verbs.add_parser("reproduce", help="whether a picture comes out the same again, bit for bit")
    reproduce.add_argument("file", help="the PNG, in the folder where the studio saved it")
    reproduce.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (auto)")
    reproduce.add_argument("--quiet", action="store_true", help="no progress bar")
    reproduce.set_defaults(run=_reproduce)
    film = verbs.add_parser("film", help="the steps of a picture as WebP, GIF or MP4")
    film.add_argument("file", help="the PNG, in the folder where the studio saved it")
    _add_fields(film, (field for field in _generator("film").request_type.fields() if field.name != "picture"))
    film.add_argument("--out", metavar="FILE", help="the film's file (beside the picture, under its name)")
    film.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (auto)")
    film.add_argument("--quiet", action="store_true", help="no progress bar")
    film.set_defaults(run=_film)
    info = verbs.add_parser("info", help="the device, the models that are installed, and the versions")
    info.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps, xpu (auto)")
    info.set_defaults(run=_info)
    verbs.add_parser("evaluate", help="how well a model draws what it is asked for", add_help=False)
    command.add(verbs)
    return parser


def _add_fields(parser: argparse.ArgumentParser, fields: Iterable[Field]) -> None:
    """One option a field, taken as text: the request itself checks it, with the same words as everywhere."""
    for field in fields:
        if field.name == "prompt":
            parser.add_argument("prompt", help=field.help)
            continue
        names = [f"--{name.replace('_', '-')}" for name in (*ALIASES.get(field.name, ()), field.name)]
        text = f"{field.help} {_bounds(field)}".replace("%", "%%")
        kind = "FILE" if isinstance(field.spec, Picture) else "X"
        parser.add_argument(*names, dest=field.name, default=argparse.SUPPRESS, metavar=kind, help=text)


def _bounds(field: Field) -> str:
    match field.spec:
        case Range(low, high):
            return f"{low:g} to {high:g} ({field.default:g})"
        case Choice():
            return f"{', '.join(field.spec.names())} ({field.default})"
    return ""


def _generator(name: str) -> Any:
    from pipelines.engine import registry

    return registry.get(name)


def _generate(options: argparse.Namespace) -> int:
    from pipelines.device.manager import DeviceManager
    from pipelines.store import parents
    from pipelines.store.images import ImageStore

    generator = _generator("text-to-image")
    request = _request(options, generator.request_type)
    store = ImageStore(Path(options.out), declared=not options.no_source_type)
    devices = DeviceManager(options.device)
    try:
        result, interrupted, _ = _watch(generator.stream(request, devices), options.quiet)
    finally:
        devices.close()
    for note in result.notes if result else ():
        print(note, file=sys.stderr)
    made_from = parents.named(request, store.digest)
    for image, recipe in zip(result.images, result.recipes, strict=True) if result else ():
        recipe |= {"parents": made_from} if made_from else {}
        print(store.path(store.save(image, recipe, unfinished=result.unfinished)))
    return INTERRUPTED if interrupted else 0


def _reproduce(options: argparse.Namespace) -> int:
    """The verdict on stdout; 0 where the picture is the same."""
    from pipelines.requests.reproduction import ReproductionRequest

    store = _store_of(options.file)
    request = ReproductionRequest(picture=Path(options.file).stem)
    result, interrupted, _ = _of_picture(options, store, "reproduction", request)
    if result is None or interrupted:
        return INTERRUPTED
    for note in result.notes:
        print(note)
    return 0 if result.reproduced else OTHERWISE


def _film(options: argparse.Namespace) -> int:
    """The film's file on stdout."""
    from pipelines.files.whole import storage_error, write_whole
    from pipelines.requests.film import FilmRequest

    store, picture = _store_of(options.file), Path(options.file)
    asked = {field.name: vars(options)[field.name] for field in FilmRequest.fields() if field.name in vars(options)}
    request = FilmRequest.parse({**asked, "picture": picture.stem})
    result, interrupted, film = _of_picture(options, store, "film", request)
    if result is None or interrupted or film is None:
        return INTERRUPTED
    for note in result.notes:
        print(note, file=sys.stderr)
    out = Path(options.out) if options.out else picture.with_suffix(f".{film.kind}")
    try:
        write_whole(out.resolve(), film.data)
    except OSError as error:
        raise storage_error(error, Sentence("saved")) from None
    print(out)
    return 0


def _store_of(file: str) -> Any:
    """The folder of a picture that the studio saved. Raises BadFile for another file."""
    from pipelines.store.images import ImageStore

    path = Path(file).resolve()
    store = ImageStore(path.parent.parent)
    if not store.has(path.stem):
        raise BadFile(
            "{file!r} is no picture in a studio's folder. Name a file such as outputs/2026-11-23/20261123-….png.",
            file=file[-60:],
        )
    return store


def _of_picture(options: argparse.Namespace, store: Any, name: str, request: Request) -> tuple[Any, bool, Any]:
    """What `_watch` gives for a request over a saved picture."""
    from pipelines.device.manager import DeviceManager
    from pipelines.engine import parents
    from pipelines.store.inputs import InputStore
    from pipelines.store.trajectories import TrajectoryStore

    devices = DeviceManager(options.device)
    try:
        with closing(InputStore(store.root)) as inputs:
            request = parents.with_parent(request, store, inputs, TrajectoryStore())
        return _watch(_generator(name).stream(request, devices), options.quiet)
    finally:
        devices.close()


MASKS_OF = {"image": "mask_image"}
"""Pictures that may be transparent, and the mask of where they are."""
MASKS = (*MASKS_OF.values(), "branch_mask")


def _request(options: argparse.Namespace, request_type: type[Request]) -> Request:
    """What the options ask for. Pictures are read from their files, and kept where the results go, for the recipes."""
    from pipelines.store.inputs import InputStore
    from pipelines.store.picture_files.roles import MASK, PICTURE

    fields = {field.name: field for field in request_type.fields() if field.name in vars(options)}
    values: dict[str, str] = {name: getattr(options, name) for name in fields}
    files = {name: file for name, file in values.items() if isinstance(fields[name].spec, Picture) and file}
    request_type.parse({name: value for name, value in values.items() if name not in files})  # before a file is kept
    with closing(InputStore(Path(options.out))) as inputs:
        kept = {name: inputs.add(_read(file), MASK if name in MASKS else PICTURE) for name, file in files.items()}
        ids = {name: picture.id for name, picture in kept.items()}
        for image, mask in MASKS_OF.items():
            if image in kept and kept[image].clear and mask in fields and not values[mask]:
                ids[mask] = kept[image].clear
                print(f"{image} is transparent in part: that part is painted anew.", file=sys.stderr)
        return request_type.parse(values | ids).with_pictures(inputs.load)


def _read(file: str) -> bytes:
    """A picture's file, or so much of it that it is known to be too large. Raises BadFile."""
    from pipelines.store.inputs import MOST_BYTES

    try:
        with open(file, "rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFile(
            "the picture {file!r} cannot be opened: {problem}.", file=file[-60:], problem=error.strerror
        ) from None


def _watch(stream: Any, quiet: bool) -> tuple[Any, bool, Any]:
    """The stream's Result, or None, whether Ctrl-C stopped it, and its Film, or None; a bar on stderr follows the
    steps."""
    from tqdm import tqdm

    from pipelines.events import Film, Frame, Progress, Result, StopEarly

    stopped, film = False, None
    with _asked_to_stop() as stop, tqdm(unit="step", disable=quiet, leave=False, file=sys.stderr) as bar:
        event = next(stream, None)
        while event is not None and not isinstance(event, Result):
            match event:
                case Progress(stage):
                    bar.set_description(stage)
                case Frame(index, total):
                    bar.total = total
                    bar.update(index - bar.n)
                    bar.set_description("painting")
                case Film():
                    film = event
            stop_now = stop.is_set() and not stopped
            stopped = stopped or stop_now
            try:
                event = stream.throw(StopEarly()) if stop_now else next(stream)
            except StopIteration:
                event = None
        return event, stopped, film


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C, which so does not break off in the middle of a step; the second one does."""
    stop = threading.Event()

    def first(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, first)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _info(options: argparse.Namespace) -> int:
    from pipelines.device.lanes import Lanes

    devices = Lanes.over(options.device)
    try:
        devices.look()
        for device in devices:
            for name, value in device.describe().items():
                if value not in ("", None):
                    print(f"{name:<14}{_readable(name, value)}")
    finally:
        devices.close()
    print("models        " + (", ".join(_described(name) for name in models.installed()) or "none"))
    for library in LIBRARIES:
        try:
            print(f"{library:<14}{importlib.metadata.version(library)}")
        except importlib.metadata.PackageNotFoundError:
            print(f"{library:<14}not installed")
    return 0


def _readable(name: str, value: object) -> str:
    sizes = ("memory_total", "memory_free", "budget", "used")
    return f"{value / 2**30:.1f} GiB" if name in sizes and isinstance(value, int) else str(value)


def _described(name: str) -> str:
    try:
        return f"{name} ({models.inspect(models.find(name)).weight_bytes / 2**20:.0f} MiB)"
    except StudioError as error:
        return f"{name} (unusable: {error})"


def _evaluate(arguments: list[str]) -> int:
    libs.torch()
    if arguments[:1] == ["families"]:
        from pipelines.evaluation import families

        families.main(arguments[1:])
        return 0
    from pipelines.evaluation import text_to_image

    text_to_image.main(arguments[1:] if arguments[:1] == ["text-to-image"] else arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())
