"""AIGC Studio: `python app.py` opens the studio in a browser. Arguments -> services -> guard + page -> serve."""

from pipelines.libs import prepare_environment

prepare_environment()  # before anything imports a library that reads it

import argparse  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import webbrowser  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from aigc_ui import api, connections, flags, gradio_gate, network, proxies, restart, server, tls  # noqa: E402
from aigc_ui.door import Door, new_token  # noqa: E402
from aigc_ui.guard import Guard  # noqa: E402
from aigc_ui.services import Library, Services, Settings  # noqa: E402
from aigc_ui.visitors import Visitors, kept_key  # noqa: E402
from pipelines import models, places  # noqa: E402
from pipelines.device.lanes import Lanes  # noqa: E402
from pipelines.diffusion.own_graphs import OwnGraphs  # noqa: E402
from pipelines.engine import registry  # noqa: E402
from pipelines.engine.free_space import FreeSpace  # noqa: E402
from pipelines.engine.queue import JobQueue  # noqa: E402
from pipelines.engine.shares import CLASSROOM  # noqa: E402
from pipelines.errors import BadRequest, NotFound, StudioError  # noqa: E402
from pipelines.models.graph_cache import NAME as GRAPHS  # noqa: E402
from pipelines.models.graph_cache import GraphCache  # noqa: E402
from pipelines.models.library import scan  # noqa: E402
from pipelines.models.library.entry import Root  # noqa: E402
from pipelines.store.folders.named import of_command_line  # noqa: E402
from pipelines.store.images import ImageStore  # noqa: E402
from pipelines.store.inputs import InputStore  # noqa: E402
from pipelines.store.kept_latents import LatentStore  # noqa: E402
from pipelines.store.signing import Signer  # noqa: E402
from pipelines.store.trajectories import BYTES, TrajectoryStore  # noqa: E402

log = logging.getLogger("app")

CLOSING_SECONDS = 8.0
FURTHER_PLACES = 4
"""Of jobs that run beside the queue's two, for clients none of whose jobs runs."""


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="app.py", description="Opens AIGC Studio in the browser.", allow_abbrev=False)
    parser.add_argument("--host", help=f"address to listen on (default {network.LOOPBACK}: you alone)")
    parser.add_argument("--port", type=_port, help=f"port to listen on (default {network.DEFAULT_PORT} or the next)")
    parser.add_argument(
        "--listen",
        nargs="?",
        const=True,
        default=False,
        metavar="ADDRESS",
        help="let others in the network in; they need the token",
    )
    parser.add_argument("--allow-training", action="store_true", help="with --listen: everybody may start trainings")
    parser.add_argument(
        "--trusted-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name by which others reach the studio (repeatable)",
    )
    parser.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        metavar="NET",
        help="a proxy, or a network of them, that may say who visits: X-Forwarded-For, -Proto, -Host (repeatable)",
    )
    parser.add_argument("--outputs", type=Path, default=Path("outputs"), help="folder for pictures (default outputs)")
    parser.add_argument(
        "--gallery-folder",
        action="append",
        default=[],
        type=Path,
        dest="gallery_folders",
        metavar="DIR",
        help="pictures of another program to show, too (repeatable)",
    )
    parser.add_argument(
        "--no-source-type",
        action="store_true",
        help="no IPTC note in pictures that AI made them",
    )
    parser.add_argument(
        "--c2pa",
        nargs=2,
        type=Path,
        metavar=("CERT", "KEY"),
        help="sign pictures for others with this chain and key",
    )
    parser.add_argument("--device", help="cuda, cuda:0,cuda:1, mps, xpu, cpu (default: best)")
    parser.add_argument(
        "--branch-memory",
        type=_megabytes,
        default=BYTES // 2**20,
        metavar="MB",
        help=f"memory for steps, to branch from (default {BYTES >> 20})",
    )
    parser.add_argument(
        "--no-export",
        dest="exporting",
        action="store_false",
        help="leave your own models on a CPU to PyTorch",
    )
    parser.add_argument("--autolaunch", action="store_true", help="open the page in the browser")
    parser.add_argument("--no-warm", action="store_true", help="load the model with the first picture only")
    flags.add(parser)
    return parser.parse_args(words)


def main(words: list[str] | None = None) -> int:
    try:
        given = arguments(flags.words(sys.argv[1:] if words is None else words, os.environ))
        answers = flags.settle(given)
        reached = network.Reached(
            proxies.hosts(given.trusted_host),
            proxies.networks(given.trusted_proxy),
            tls.certificate(given.tls_certfile, given.tls_keyfile),
        )
    except StudioError as error:
        print(f"AIGC Studio cannot start: {error}", file=sys.stderr)
        return 2
    for answer in answers:
        print(answer, flush=True)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if taken := server.quiet_gradio_environment():
        print(f"Not used: {', '.join(taken)}. How the studio is reached is said with its own options.", flush=True)
    host = flags.host_of(given)
    shared = bool(given.listen) or not network.is_loopback(host) or reached.from_elsewhere
    try:
        listening = network.listen(host, given.port)
        port = listening.getsockname()[1]
        address = network.address_for_others(host, port, reached) if shared else ""
        services = compose(given, shared, port, address)
    except StudioError as error:
        print(f"AIGC Studio cannot start: {error}", file=sys.stderr)
        return 2
    return run(services, listening, host, given, reached)


def compose(given: argparse.Namespace, shared: bool, port: int, address: str = "") -> Services:
    """The engine. Its parts import torch only when they are first asked to work."""
    places.name(given.places, os.environ)
    for folder in empty(given.places):
        print(
            f"No model was found in {folder}. Name the folder that other tools call models, or their own.", flush=True
        )
    if given.first_model and models.resolve(given.first_model) is None:
        raise NotFound(
            "--ckpt {first_model!r} is no model that can be opened here. Name a model's folder.",
            first_model=given.first_model[:60],
        )
    graphs = OwnGraphs(GraphCache(given.outputs / GRAPHS)) if given.exporting else None
    devices = Lanes.over(given.device, memory=given.memory, full_precision=given.full_precision, graphs=graphs)
    if given.c2pa and given.no_source_type:
        raise BadRequest("--c2pa says that AI made a picture and --no-source-type leaves that out. Use one of them.")
    store = ImageStore(
        given.outputs,
        declared=not given.no_source_type,
        named=of_command_line(given.gallery_folders, given.outputs),
        signer=Signer.of_files(*given.c2pa) if given.c2pa else None,
    )
    waiting = given.outputs / f"waiting-{port}.json"  # its own for each studio that shares the folder
    inputs = InputStore(given.outputs)
    latents, space = LatentStore(given.outputs), FreeSpace(given.outputs)
    shares = CLASSROOM if shared else None
    jobs = JobQueue(
        devices,
        store,
        path=waiting,
        inputs=inputs,
        latents=latents,
        space=space,
        shares=shares,
        further_places=FURTHER_PLACES,
        trajectories=TrajectoryStore(given.branch_memory * 2**20),
    )
    store.folders.start(lambda: any(not job.over for job in jobs.list()))
    settings = Settings(given.outputs, shared, given.api, given.first_model, given.allow_training, address)
    library = Library.over(scan.roots(), given.outputs, lambda: any(not job.over for job in jobs.list()))
    return Services(jobs, store, devices, registry.get, registry.names, settings, inputs, library)


def empty(named: places.Places) -> Iterator[Path]:
    """The folders among those named in which no model of any kind lies."""
    for folder in dict.fromkeys(folder for folders in named.values() for folder in folders):
        if next(scan.files((Root(places.tree(folder), "other"),)), None) is None:
            yield folder


def run(services: Services, listening: Any, host: str, given: argparse.Namespace, reached: network.Reached) -> int:
    port = listening.getsockname()[1]
    shared = services.settings.shared
    tokens = restart.tokens() or (new_token(), new_token()) if shared else None
    token, owner_token = tokens or (None, None)
    addresses, mine = (network.addresses(host, port, one, reached) for one in (token, owner_token))
    hosts = network.hosts_for(host, reached.names)
    with server.temporary_folder():
        build = server.no_page if given.nowebui else lambda: page(services)
        studio = server.Studio(api.build(services), build, lambda: warm(services, given))
        door = Door(token, owner_token=owner_token) if token and owner_token else None
        visitors = Visitors(kept_key(services.settings.outputs), signed=True) if shared else None
        visited = proxies.Proxies(Guard(studio, hosts, door, visitors=visitors), reached.proxies, hosts)
        announce(addresses, given.port, port, mine[0] if shared else "")
        if given.autolaunch:
            threading.Thread(target=webbrowser.open, args=(mine[0],), daemon=True).start()
        ledger = connections.ledger(shared, visited.is_proxy)
        server.serve(visited, listening, ledger, reached.certificate)
        print("Closing. Pictures are saved; jobs that run or wait go on at the next start.", flush=True)
        close(services)
    if services.restart.is_set():
        restart.again(port, given.port, tokens)
    if studio.failure is not None:
        log.error("The page could not be built.", exc_info=studio.failure)
        return 1
    return 0


def page(services: Services) -> server.Page:
    """The Gradio page as an app; imports Gradio, which takes seconds."""
    from aigc_ui import page as studio_page

    blocks = studio_page.build(services)
    return gradio_gate.mounted(blocks, **server.GRADIO | studio_page.appearance(blocks))


def warm(services: Services, given: argparse.Namespace) -> None:
    """Loads the libraries and the embedded model while the first visitor reads the page."""
    if given.no_warm:
        return
    try:
        services.warm()
    except StudioError as error:
        log.warning("The model could not be prepared: %s", error)


def close(services: Services) -> None:
    """Ends the jobs between two of their steps; whatever hangs inside a library is not waited for."""
    closing = threading.Thread(target=services.close, name="closing", daemon=True)
    closing.start()
    closing.join(CLOSING_SECONDS)


def announce(addresses: list[str], wanted: int | None, port: int, owners: str = "") -> None:
    if wanted is None and port != network.DEFAULT_PORT:
        print(f"Port {network.DEFAULT_PORT} is in use by another program; this studio takes {port}.")
    print(f"AIGC Studio: {addresses[0]}")
    for address in addresses[1:]:
        print(f"In the network: {address}")
    if owners:
        print(f"For you alone, to see and stop everybody's jobs: {owners}")
    print("Press Ctrl+C to end.", flush=True)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text[:6]) <= 65535:
        raise argparse.ArgumentTypeError(f"must be 0 (any free port) to 65535; got {text[:20]!r}.")
    return int(text)


def _megabytes(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise argparse.ArgumentTypeError(f"must be a number of megabytes, 0 or more; got {text[:20]!r}.")
    return int(text)


if __name__ == "__main__":
    server.leave(main())
