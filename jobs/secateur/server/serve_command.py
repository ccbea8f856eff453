"""`secateur serve`: its flags, and the server from its first to its last request.

    secateur serve s3://models/short_video --host 0.0.0.0 --port 8080
    secateur serve s3://models/short_video --snapshot --max-age-hours 36
    secateur serve /mnt/models --name short-video

It answers /v2/models/<scenario>/infer as KServe's open inference protocol says, /v2/health/ready,
and Prometheus at /metrics. It follows the channel, and keeps what it serves where a new release
fails. AWS_*, SECATEUR_VERIFY_KEY and SECATEUR_ID_KEY are read as by `secateur pull` and `score`.

A folder that is no store is a mirror (`secateur mirror`), as KServe copies it: its signature and
every byte of it are verified, it is served until the end, and no store is asked for anything.
"""

import argparse
import contextlib
import logging
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from secateur.contracts.errors import StoreError, UsageError
from secateur.flags import Parser
from secateur.identity import ID_KEY, fingerprint, id_key
from secateur.releases.following import EVERY_S, FollowingScorer, Reader, follow
from secateur.releases.mirrors.read_mirror import mirror_folder
from secateur.server.application import InferenceServer, Limits
from secateur.server.mirror_scorer import MirrorScorer, scorer_of_mirror

if TYPE_CHECKING:
    from secateur.contracts.features import FeatureSchema
    from secateur.serving.scorer import Scorer

DRAIN_S = 30  # for requests that have begun when the server is asked to end


def run_serve_command(argv: Sequence[str]) -> None:
    """Follow the channel and answer requests until the process is asked to end.

    Raises what `secateur.follow` does for the first release, StoreError where the address is
    taken, UsageError.
    """
    serve(_parser().parse_args(argv))


def serve(arguments: argparse.Namespace) -> None:
    """Serve what the flags ask for; see `run_serve_command`."""
    logging.getLogger("secateur").setLevel("INFO")
    limits = Limits(
        body_bytes=arguments.body_bytes,
        rows=arguments.rows,
        requests=arguments.requests,
        joined_rows=arguments.joined_rows,
        threads=arguments.threads,
    )
    folder = mirror_folder(arguments.uri)
    served = _channel_scorer(arguments) if folder is None else _mirror_scorer(folder, arguments)
    scorer, release = served.scorer_and_release
    _demand_key(arguments, scorer)
    name = arguments.name or release.manifest.scenario
    with contextlib.closing(served), listen(arguments.host, arguments.port) as listening:
        application = InferenceServer(served, name, limits).application()
        config = uvicorn.Config(
            application,
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
        host, port = listening.getsockname()[:2]
        told = f"{name}, release {release.manifest.number}"
        sys.stdout.write(f"{told}: http://{host}:{port}/v2/models/{name}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listening])


def _channel_scorer(arguments: argparse.Namespace) -> FollowingScorer:
    """What a channel serves, from now on."""
    if arguments.manifest:
        raise UsageError(f"--manifest is for a mirror, and {arguments.uri} is none")
    reader = Reader(
        cache=arguments.cache,
        snapshot=arguments.snapshot,
        max_age_hours=arguments.max_age_hours,
    )
    return follow(
        arguments.uri,
        arguments.channel,
        reader,
        every_s=arguments.every,
        on_swap=lambda scorer, _release: _demand_key(arguments, scorer),
    )


def _mirror_scorer(folder: Path, arguments: argparse.Namespace) -> MirrorScorer:
    """What lies in a folder."""
    if arguments.snapshot:
        raise UsageError(f"--snapshot follows a store's snapshots, and {folder} is a mirror")
    return scorer_of_mirror(folder, arguments.manifest)


def _demand_key(arguments: argparse.Namespace, scorer: "Scorer") -> None:
    if not arguments.hashed:
        demand_id_key(scorer.schema)


def demand_id_key(schema: "FeatureSchema") -> None:
    """Insist on the key that hashed the training's users, where there are any. Raises UsageError.

    A release that wants another key does not take over: its requests would all be refused.
    """
    if not any(field.hashed for field in schema.categories):
        return
    found = fingerprint(id_key())
    if found != schema.id_key:
        raise UsageError(
            f"{ID_KEY} has the fingerprint {found}, the model was trained with {schema.id_key}"
        )


def listen(host: str, port: int) -> socket.socket:
    """The socket to listen on; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OverflowError as error:
        raise UsageError(f"{port} is no port") from error
    except OSError as error:
        raise StoreError(f"{host}:{port}: {error.strerror or error}") from error


def _parser() -> Parser:
    """What to serve, where, and how much of it at once."""
    parser = Parser(
        prog="secateur serve",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = "<root>/<scenario>, such as s3://models/short_video, or the folder of a mirror"
    parser.add_argument("uri", metavar="URI", help=where)
    parser.add_argument("--name", type=_model_name, help="of the model; default: the scenario's")
    parser.add_argument("--manifest", default="", help="sha256 of a mirror's, or how it begins")
    parser.add_argument("--channel", default="latest")
    parser.add_argument("--cache", type=Path, help="default: $XDG_CACHE_HOME/secateur")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for all; default: %(default)s")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--snapshot", action="store_true", help="follow the snapshots too")
    parser.add_argument("--max-age-hours", type=float, help="a snapshot that is older is refused")
    parser.add_argument("--hashed", action="store_true", help="all requests give hashed user ids")
    parser.add_argument("--every", type=float, default=EVERY_S, help="seconds between two looks")
    for name, (default, meaning) in _LIMITS.items():
        parser.add_argument(f"--{name}", type=_count, default=default, help=meaning)
    return parser


_LIMITS = {
    "body-bytes": (Limits.body_bytes, "of a request; more are answered 413"),
    "rows": (Limits.rows, "of a request; more are answered 413"),
    "requests": (Limits.requests, "at once; more are answered 429"),
    "joined-rows": (Limits.joined_rows, "requests of so many together are one run of the model"),
    "threads": (Limits.threads, "runs of the model at once"),
}


def _model_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no model's name: it is part of a URL")
    return text


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no count from 1 on")
    return int(text)
