"""From a verb's docstring and flags to a process: parsing, logging, progress, exit codes.

    def train(job: Job) -> None: ...

    if __name__ == "__main__":
        command.run(train, __doc__, inputs=("features", "validation"))

Every verb has `--scenario NAME|FILE`, `--set KEY=VALUE`, one flag an input and `--output`.
Exit codes: see `contracts/errors.py`. A verb's answer, its output's URI unless `job.answer` says
otherwise, goes as JSON into the file named by `SECATEUR_ANSWER`.
"""

import argparse
import json
import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, NoReturn, TypeVar

from secateur import artifacts
from secateur.artifacts import Artifact, Draft
from secateur.code_digest import code_digest
from secateur.contracts import record
from secateur.contracts.artifact_files import REFUSAL, REPORT
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import (
    CRASHED,
    USAGE,
    Refused,
    SecateurError,
    UsageError,
    ValidationRefused,
)
from secateur.contracts.judgement import Refusal
from secateur.contracts.manifest import MadeBy, Manifest
from secateur.display.progress import bars_on_terminal
from secateur.flags import VERB_FLAGS, Parser
from secateur.scenario import Scenario, load_scenario
from secateur.section import Section
from secateur.storage import join

log = logging.getLogger("secateur")

ANSWER = "SECATEUR_ANSWER"
PERIOD_S = 10.0
NO_SPACE = "No space left on device"
JAVA_GONE = (
    "Spark's Java was killed, most likely because the machine was out of memory, or it crashed: "
    "see SECATEUR_SPARK_MEMORY, and the kernel's log"
)

SectionT = TypeVar("SectionT", bound=Section)


class Job:
    """One run of a verb: its scenario, its inputs, its output, and what it used of them."""

    def __init__(self, verb: str, scenario: Scenario, arguments: dict[str, Any]) -> None:
        self.verb = verb
        self.scenario = scenario
        self.arguments = arguments
        self._made_from: dict[str, str] = {}
        self._answer: object = arguments["output"]

    def flag(self, name: str) -> str:
        """Value of a flag. Raises UsageError when it was not given."""
        value = self.arguments.get(name.replace("-", "_"))
        if not value:
            raise UsageError(f"{self.verb} needs --{name}")
        return str(value)

    def open(self, name: str, kind: str) -> Artifact:
        """Open the input artifact of flag `--name` and note its digest in `made_from`.

        Raises ArtifactError where no sealed `kind` lies there, CorruptArtifact where it is damaged.
        """
        artifact = artifacts.open_artifact(self.flag(name), kind)
        self.note(name, artifact.digest)
        return artifact

    def open_validated(self, name: str, kind: str) -> Artifact:
        """Open the input artifact of flag `--name`, which the report at --validation passed.

        Raises ArtifactError where the report is on another, ValidationRefused where it failed.
        """
        subject = self.open(name, kind)
        report = self.open("validation", "ValidationReport").read(REPORT, ValidationReport)
        artifacts.demand_receipt(report.subject, subject)
        if not report.success:
            where = self.flag("validation")
            raise ValidationRefused(f"the {name} failed their validation, see {where}")
        return subject

    def use(self, section: SectionT) -> SectionT:
        """Take one section of the scenario and note its digest: the rest cannot matter."""
        self.note(f"scenario.{section.role}", record.digest(section.model_dump(mode="json")))
        return section

    def note(self, role: str, digest: str) -> None:
        """Record that the output depends on `digest` in this role."""
        self._made_from[role] = digest

    @property
    def key(self) -> str:
        """Names this work, by all that was noted so far and the code: equal keys, equal outputs."""
        return record.digest([self.verb, self._made_from, code_digest(self.verb)])

    def create(self, kind: str, part: str = "") -> AbstractContextManager[Draft]:
        """Start the artifact at `--output`, or below it where a verb makes several."""
        return artifacts.create(self.output_uri(part), kind)

    def output_uri(self, part: str = "") -> str:
        """URI of the output, or of one part of it."""
        return join(self.flag("output"), part) if part else self.flag("output")

    def seal(self, draft: Draft, facts: Mapping[str, Any]) -> Manifest:
        """Seal the output, made by this verb's code from everything noted."""
        made_by = MadeBy(self.verb, code_digest(self.verb))
        manifest = draft.seal(made_by, self._made_from, {"scenario": self.scenario.name, **facts})
        log.info("sealed %s %s, %s bytes", draft.kind, manifest.digest[:12], f"{manifest.bytes:,}")
        return manifest

    @contextmanager
    def seal_refusal(self, facts: Mapping[str, Any]) -> Iterator[None]:
        """Where what follows is refused, seal why beside what it was to make; then raise it."""
        try:
            yield
        except Refused as error:
            with self.create("Refusal", "refusal") as draft:
                draft.write(REFUSAL, Refusal(str(error)))
                self.seal(draft, facts)
            raise

    def answer(self, value: object) -> None:
        """Tell the caller a small JSON value, such as the list to fan out over."""
        self._answer = value

    def deliver(self) -> None:
        """Write the answer where the caller looks for it."""
        path = os.environ.get(ANSWER)
        if path:
            Path(path).write_text(json.dumps(self._answer))


def run(
    verb: Callable[[Job], None],
    doc: str | None,
    inputs: Sequence[str] = (),
    options: Sequence[str] = (),
    more_flags: Callable[[Parser], None] | None = None,
) -> NoReturn:
    """Parse flags, run the verb, and exit with the code that its outcome asks for.

    `inputs` are flags that must be given, `options` others; `more_flags` adds those that the verb
    shares with the shell.
    """
    logging.basicConfig(
        level=os.environ.get("SECATEUR_LOG_LEVEL", "INFO"),
        format="%(asctime)s %(levelname).1s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    for talkative in ("botocore", "py4j"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    name = verb.__name__
    flags = verb_flags(name, doc, inputs, options)
    if more_flags is not None:
        more_flags(flags)
    sys.exit(_run(verb, name, vars(flags.parse_args())))


def verb_flags(verb: str, doc: str | None, inputs: Sequence[str], options: Sequence[str]) -> Parser:
    """Build the verb's flags; its docstring is the help."""
    flags = Parser(
        prog=f"{verb}.py", description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("--scenario", required=True, help="name in jobs/scenarios, or a TOML file")
    flags.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one key of the scenario, e.g. judgement.margin=0.02",
    )
    for name in (*inputs, *options):
        metavar, meaning = VERB_FLAGS[name]
        flags.add_argument(f"--{name}", required=name in inputs, metavar=metavar, help=meaning)
    flags.add_argument("--output", required=True, metavar="URI", help="where its result is sealed")
    return flags


def _run(verb: Callable[[Job], None], name: str, arguments: dict[str, Any]) -> int:
    started = time.monotonic()
    try:
        scenario = load_scenario(arguments["scenario"], tuple(arguments["set"]))
        job = Job(name, scenario, arguments)
        with bars_on_terminal():
            verb(job)
        job.deliver()
    except SecateurError as error:
        word = {USAGE: "asked wrongly"}.get(error.exit_code, "failed")
        word = "REFUSED" if isinstance(error, Refused) else word
        log.error("%s %s after %.1f s: %s", name, word, time.monotonic() - started, error)
        return error.exit_code
    except Exception as error:
        said = in_one_line(error, arguments["output"])
        if said is None:
            raise
        # What Spark or a copied tree tells of it takes pages; the on-call engineer reads one line.
        traceback.print_exc()
        log.error("%s failed after %.1f s: %s", name, time.monotonic() - started, said)
        return CRASHED
    log.info("%s done in %.1f s", name, time.monotonic() - started)
    return 0


def in_one_line(error: Exception, output: str) -> str | None:
    """What happened to the machine, where an error tells of that at length; None elsewhere."""
    if NO_SPACE in str(error):
        return full(error, output)
    return JAVA_GONE if java_is_gone(error) else None


def java_is_gone(error: Exception) -> bool:
    """Whether the Java that runs Spark has ended below its verb: nothing answers at its port."""
    named = type(error).__name__ == "Py4JNetworkError" or "JAVA_GATEWAY_EXITED" in str(error)
    return named or ("py4j" in sys.modules and isinstance(error, ConnectionError))


def full(error: Exception, output: str) -> str:
    """Say in one line that a disk is full, and which one where the error names a path."""
    named = re.search(rf"{NO_SPACE}: '([^']+)'", str(error))
    place = named.group(1) if named else f"{output}, or temporary files in {gettempdir()}"
    return f"{NO_SPACE}: {place}"


@contextmanager
def progress(what: str, total: float, unit: str) -> Iterator[Callable[[float, str], None]]:
    """Give `advance(amount, note)`: a bar with rate and ETA on a terminal, else a line a period."""
    if sys.stderr.isatty():
        with _bar(what, total, unit) as advance:
            yield advance
    else:
        yield _lines(what, total, unit)


@contextmanager
def _bar(what: str, total: float, unit: str) -> Iterator[Callable[[float, str], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{what} ({unit})", total=total)
        yield lambda amount, note: bar.update(task, advance=amount, description=f"{what} {note}")


def _lines(what: str, total: float, unit: str) -> Callable[[float, str], None]:
    started = spoken = time.monotonic()
    done = 0.0

    def advance(amount: float, note: str) -> None:
        nonlocal done, spoken
        done += amount
        now = time.monotonic()
        if now - spoken < PERIOD_S:
            return
        spoken = now
        rate = done / (now - started)
        left = max(total - done, 0) / rate if rate else 0
        log.info(
            "%s %d %%, %s %s/s, about %d s left %s",
            what,
            100 * done / total,
            f"{rate:,.0f}",
            unit,
            left,
            note,
        )

    return advance
