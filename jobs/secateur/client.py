"""Pull, inspect and score published models from a shell.

    secateur pull s3://models/short_video               print the folder of the verified files
    secateur show s3://models/short_video               what the channel serves
    secateur verify s3://models/short_video             every byte, signature and golden score
    secateur releases s3://models/short_video           all that is published
    secateur why s3://models/short_video DIGEST         the data, code and gates behind a byte
    secateur score s3://models/short_video rows.csv     one score a line
    secateur serve s3://models/short_video              HTTP, by KServe's open inference protocol
    secateur mirror s3://models/short_video --output s3://serving/short_video   for KServe to copy
    secateur export s3://models/short_video --onnx model.onnx   one file for other languages
    secateur rollback s3://models/short_video --release 7 --reason "..."
    secateur hold s3://models/short_video --reason "..."    nights leave the channel alone
    secateur resume s3://models/short_video --reason "..."  they move it again
    secateur history s3://models/short_video            its moves: what, when, by whom, why
    secateur renew s3://models/short_video --days 7     readers believe the channel so long
    secateur sweep s3://models/short_video --keep 14 --delete
    secateur forget s3://models/short_video USER --state URI    who holds a user; no later night
    secateur scenario check short_video.toml            every mistake of a scenario file at once
    secateur scenario draft clicks.csv.gz               a scenario to start from, for a new log
    secateur scenario reference                         every key of a scenario, with its meaning
    secateur try clicks.csv.gz                          from a raw log to a model and baselines
    secateur keys > keys.env                            new keys: see the guide to operating
    secateur pem > publisher.pem                        the public key for OpenSSF's model_signing

The AWS_* variables name the store, SECATEUR_VERIFY_KEY the publishers to trust. Scoring raw user
ids and forgetting a user need SECATEUR_ID_KEY, rolling back SECATEUR_SIGNING_KEY. `secateur
scenario` needs the extra `secateur[pipeline]`, `secateur try` a checkout, `secateur serve` the
extra `secateur[serve]` and `secateur export` `secateur[export]`; all else runs with the client's
few dependencies.
With `--json`, whatever speaks of a store answers with one JSON document. On a terminal, what takes
long shows how far it is on standard error; a script or a log sees nothing of it.
"""

import argparse
import contextlib
import logging
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

from secateur.contracts.errors import CRASHED, SecateurError, UsageError
from secateur.display.progress import advance_progress, bars_on_terminal, progress_of
from secateur.flags import Parser, sweep_flags
from secateur.releases.by_hand.channel_commands import (
    add_channel_flags,
    run_history,
    run_hold,
    run_renew,
    run_resume,
    run_rollback,
    run_sweep,
)
from secateur.releases.by_hand.forget_command import add_forget_flags, run_forget
from secateur.releases.by_hand.mirror_command import add_mirror_flags, run_mirror
from secateur.releases.by_hand.reading_commands import (
    pull_as_asked,
    run_pem,
    run_pull,
    run_releases,
    run_show,
    run_verify,
    run_why,
)

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code (see `contracts/errors.py`). An error is one line."""
    logging.basicConfig(level="WARNING", format="%(message)s", stream=sys.stderr)
    given = sys.argv[1:] if argv is None else list(argv)
    try:
        with contextlib.nullcontext() if "--json" in given else bars_on_terminal():
            run_command_line(given)
    except SecateurError as error:
        sys.stderr.write(f"secateur: {error}\n")
        return error.exit_code
    except BrokenPipeError:
        # `secateur releases ... | head`: the reader has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CRASHED
    except OSError as error:
        sys.stderr.write(f"secateur: {error}\n")
        return CRASHED
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


def run_command_line(given: Sequence[str]) -> None:
    """Run the command that is asked for. Raises what it raises."""
    whole = {"scenario": run_scenario, "try": run_try, "serve": run_serve, "export": run_export}
    if given and given[0] in whole:  # its flags are those of a parser of its own
        whole[given[0]](given[1:])
        return
    arguments = client_parser().parse_args(given)
    arguments.run(arguments)


def client_parser() -> Parser:
    """All commands and their flags."""
    root = Parser(
        prog="secateur", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")

    def add(run: Callable[[argparse.Namespace], None]) -> Parser:
        command: Parser = commands.add_parser(
            run.__name__.removeprefix("run_"), help=run.__doc__, description=run.__doc__
        )
        command.set_defaults(run=run)
        return command

    def add_for_store(run: Callable[[argparse.Namespace], None]) -> Parser:
        command = add(run)
        command.add_argument(
            "uri", metavar="URI", help="<root>/<scenario>: s3://models/short_video"
        )
        if run is not run_score:
            command.add_argument("--json", action="store_true", help="one JSON document")
        return command

    def add_for_release(run: Callable[[argparse.Namespace], None]) -> Parser:
        command = add_for_store(run)
        command.add_argument("--channel", default="latest")
        command.add_argument("--release", type=int, help="this one, whatever the channel serves")
        command.add_argument("--cache", type=Path, help="default: $XDG_CACHE_HOME/secateur")
        command.add_argument(
            "--offline", action="store_true", help="if the store is away, what it last served"
        )
        return command

    pulling = add_for_release(run_pull)
    pulling.add_argument("--bundle", type=Path, help="write its OpenSSF model-signing bundle here")
    for run in (run_show, run_verify):
        add_for_release(run)
    add_mirror_flags(add_for_store(run_mirror))
    add_for_store(run_releases)
    asking = add_for_store(run_why)
    asking.add_argument("digest", metavar="DIGEST", help="its first characters will do")
    asking.add_argument(
        "--runs", nargs="*", default=[], metavar="URI", help="folders of nights, to go further"
    )
    scoring = add_for_release(run_score)
    scoring.add_argument("rows", metavar="CSV", help="with a header; .gz too; - is standard input")
    scoring.add_argument("--output", type=Path, help="default: standard output")
    scoring.add_argument("--hashed", action="store_true", help="user ids are keyed hashes already")
    for run in (run_rollback, run_hold, run_resume, run_renew, run_history):
        add_channel_flags(add_for_store(run), run)
    sweep_flags(add_for_store(run_sweep))
    add_forget_flags(add_for_store(run_forget))
    add(run_keys)
    add(run_pem)
    commands.add_parser("scenario", help=run_scenario.__doc__)
    commands.add_parser("try", help=run_try.__doc__)
    commands.add_parser("serve", help=run_serve.__doc__)
    commands.add_parser("export", help=run_export.__doc__)
    return root


def run_score(arguments: argparse.Namespace) -> None:
    """Score raw rows, one score a line in their order; rows/s go to standard error.

    A list or a vector is one text between its field's separators, a history one between blanks.
    """
    from secateur.serving import csv_rows
    from secateur.serving.scorer import load

    scorer = load(pull_as_asked(arguments))
    started = time.monotonic()
    rows = 0
    with _output(arguments.output) as target, progress_of("scoring", None, "rows"):
        for scores in csv_rows.score_csv(scorer, arguments.rows, arguments.hashed):
            # str of a float32 is its shortest spelling; a format would spell out a float64.
            target.write("".join(str(score) + "\n" for score in scores))
            rows += len(scores)
            if not target.isatty():  # else the scores themselves show how far it is
                advance_progress(len(scores))
    seconds = time.monotonic() - started
    sys.stderr.write(f"{rows:,} rows in {seconds:.1f} s, {rows / max(seconds, 1e-9):,.0f} rows/s\n")


def run_keys(_arguments: argparse.Namespace) -> None:
    """Print new keys as NAME=VALUE lines: all that a publisher needs and a reader trusts."""
    from secateur import identity
    from secateur.releases import signing

    seed = signing.new_seed()
    _say(f"{identity.ID_KEY}={secrets.token_hex(32)}")
    _say(f"{signing.SIGNING_KEY}={seed}")
    _say(f"{signing.VERIFY_KEY}={signing.Signer.of(seed).public}")


def run_scenario(argv: Sequence[str]) -> None:
    """Check a scenario file, draft one, or list all keys; `secateur scenario --help` says more."""
    try:
        from secateur.scenario import commands
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs secateur[pipeline]: {error.name} is not installed") from error
    commands.run_command(argv)


def run_try(argv: Sequence[str]) -> None:
    """Train on a raw log, and hold the dense model beside baselines; `secateur try --help`."""
    try:
        from secateur.onboarding import try_command
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs secateur[pipeline]: {error.name} is not installed") from error
    try_command.run_try_command(argv)


def run_serve(argv: Sequence[str]) -> None:
    """Answer scoring requests over HTTP; `secateur serve --help` says more."""
    try:
        from secateur.server import serve_command
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs secateur[serve]: {error.name} is not installed") from error
    serve_command.run_serve_command(argv)


def run_export(argv: Sequence[str]) -> None:
    """Write a release as one ONNX file that reads raw values; `secateur export --help`."""
    try:
        from secateur.portable import export_command
    except ModuleNotFoundError as error:
        raise UsageError(f"this needs secateur[export]: {error.name} is not installed") from error
    export_command.run_export_command(argv)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that appears under its name once it is whole.

    What is no file, such as a pipe or /dev/null, is written to and never replaced.
    """
    if path is None:
        yield sys.stdout
        return
    if path.exists() and not path.is_file():
        with path.open("w") as target:
            yield target
        return
    path = path.resolve()  # of a link the file that it names
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
