"""Which room each kind of heavy work has; only what answers at once, from memory or by sending a file, has none."""

from dataclasses import dataclass, field
from functools import partial

from aigc_ui.room import Room

MANY = 100_000


def _room(name: str, at_once: int, waiting: int = 64, per_client: int = 16) -> Room:
    return field(default_factory=partial(Room, name, at_once, waiting, per_client))


@dataclass(frozen=True)
class Rooms:
    """Each is full on its own: nobody who waits in one keeps another from being used."""

    experiments: Room = _room("experiments", 2)  # they compute; more would only take the cores from one another
    films: Room = _room("films", 1, 8, 2)  # one takes hundreds of megabytes
    frames: Room = _room("frames", 2, MANY, MANY)  # pictures of running jobs, encoded for those who watch
    files: Room = _room("files", 4, 2048, 512)  # PNGs of pictures, and their recipes
    copies: Room = _room("copies", 2)  # JPEG and WebP of a picture
    submitting: Room = _room("submitting", 4, 256, 64)  # checking a request looks for its models on the disk
    ending: Room = _room("ending", 4, 256, 64)  # of jobs: the list of those that wait is written to the disk
    gallery: Room = _room("gallery", 4, 256, 32)  # lists of pictures, from the index
    thumbnails: Room = _room("thumbnails", 2, 2048, 512)  # a screen asks for hundreds at once
    estimates: Room = _room("estimates", 2, per_client=8)  # memory and settings, from a model's files
    prompts: Room = _room("prompts", 1, per_client=8)  # tokenizers are not safe in two threads
    words: Room = _room("words", 2, per_client=8)  # of prompts, as a model's vocabulary hears them
    pictures: Room = _room("pictures", 4, 128, 64)  # strangers' pictures: a child reads them one by one
    metadata: Room = _room("metadata", 4, 128, 64)
    lists: Room = _room("lists", 2)  # names of models and choices, looked up on the disk
    library: Room = _room("library", 2)
    scans: Room = _room("scans", 1, 16, 4)  # all that takes the catalogue's lock
    loads: Room = _room("loads", 1, 8, 2)  # models, which take seconds to minutes
    hub: Room = _room("hub", 2, 8, 2)  # a child process on the network
    programs: Room = _room("programs", 2)  # answers in base64 for programs that speak A1111's interface
    parsing: Room = _room("parsing", 2, 32, 8)  # large JSON
    status: Room = _room("status", 2)  # asks the device
