"""A verb as a local process: what a task is unless the configuration says otherwise."""

import json
import logging
import os
import re
import resource
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from secateur_airflow import settings
from secateur_airflow.run_day import SCHEDULED
from secateur_airflow.verb import NothingNewSkip, Verb, environment_of, raise_for_exit

# As `secateur.command` writes them: 03:12:45 E secateur: ...
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d ([A-Z]) ")
LEVELS = {"W": logging.WARNING, "E": logging.ERROR, "C": logging.CRITICAL}
GRACE_S = 10.0  # between asking a process to end and ending it
ERROR_LINE = re.compile(r"\d\d:\d\d:\d\d [EC] ")
TRACEBACK = "Traceback (most recent call last):"

if TYPE_CHECKING:
    from airflow.sdk import Context


class VerbProcess(BaseOperator):
    """Run a verb as a process of its own; its inputs may hold XComs, which are the edges."""

    template_fields: Sequence[str] = ("inputs", "output_path")

    def __init__(
        self,
        *,
        verb: Verb,
        inputs: Mapping[str, Any],
        output_path: Sequence[Any],
        patience: timedelta = timedelta(),
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**airflow_arguments)
        self.verb = verb
        self.inputs = dict(inputs)
        self.output_path = list(output_path)
        self.skipped_for: AirflowSkipException | None = None  # what a callback is to tell
        self.patience = patience  # for a day that is not delivered, from the run's own time on
        self.answered: object = None
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: "Context") -> object:
        """Run the verb and return its answer."""
        arguments = self.verb.arguments(context, self.inputs, self.output_path)
        context["ti"].xcom_push("uri", arguments[-1])
        with tempfile.TemporaryDirectory(prefix="secateur-") as folder:
            answer = Path(folder) / "answer.json"
            try:
                self.run([settings.python(), self.verb.script, *arguments], answer)
            except AirflowSkipException as reason:
                self.wait_or_skip(context, reason)
            self.answered = json.loads(answer.read_text())
            return self.answered

    def wait_or_skip(self, context: "Context", reason: AirflowSkipException) -> None:
        """Look again later, without a worker meanwhile, where a scheduled night may still wait.

        Raises AirflowRescheduleException, else `reason`.
        """
        run: Any = context["dag_run"]
        now = datetime.now(UTC)
        may_wait = run.run_type == SCHEDULED and not isinstance(reason, NothingNewSkip)
        if may_wait and now < run.run_after + self.patience:
            self.log.warning("%s; waits until %s", reason, run.run_after + self.patience)
            raise AirflowRescheduleException(now + settings.delivery_poll())
        self.skipped_for = reason
        raise reason

    def run(self, command: list[str], answer: Path) -> None:
        """Run the process and pass its log on line by line. Raises on a non-zero exit."""
        self.log.info("$ %s", " ".join(command))
        error = ["it said nothing"]
        with subprocess.Popen(
            command,
            env={
                **environment_of(self.verb.name),
                "SECATEUR_ANSWER": str(answer),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            self._process = process
            try:
                for line in process.stdout or ():
                    error = last_error(error, line.rstrip())
                    self.log.log(level_of(line), "%s", line.rstrip())
            except BaseException:  # a time-out, say: leaving the block would wait for the process
                end(process)
                raise
        raise_for_exit(self.verb.name, process.returncode, "\n".join(error), peak_bytes())

    def on_kill(self) -> None:
        """End the verb's processes, and no others."""
        if self._process:
            end(self._process)


def end(process: subprocess.Popen[str]) -> None:
    """End a process and all of its group: politely, then by force, stopped ones too."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    os.killpg(process.pid, signal.SIGCONT)  # a stopped process would never see the other
    with suppress(subprocess.TimeoutExpired):
        process.wait(GRACE_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def peak_bytes() -> int:
    """The most memory that the verb, or a process that it waited for, held at once."""
    return 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def level_of(line: str) -> int:
    """The level of a verb's log line; a line without one is information."""
    level = LOG_LINE.match(line)
    return LEVELS.get(level.group(1), logging.INFO) if level else logging.INFO


def last_error(so_far: list[str], line: str) -> list[str]:
    """The last error of a log, with the lines that belong to it, once `line` is read too.

    A process that logged no error is quoted by its last exception, else by its last line. What
    follows an exception, such as Java's frames, does not replace it. Blank lines tell nothing.
    """
    if not line.strip():
        return so_far
    if ERROR_LINE.match(line):
        return [line]
    if ERROR_LINE.match(so_far[0]):
        return so_far if LOG_LINE.match(line) else [*so_far, line]
    if so_far[0] != TRACEBACK or line == TRACEBACK:
        return [line]
    is_frame = line.startswith(" ") or len(so_far) > 1
    return so_far if is_frame else [*so_far, line]
