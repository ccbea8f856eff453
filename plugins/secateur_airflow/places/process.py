"""A verb as a local process: what a task is unless the configuration says otherwise."""

import json
import os
import resource
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from secateur_airflow import settings
from secateur_airflow.places.last_words import NOTHING, last_error, level_of
from secateur_airflow.places.verb_task import VerbTask
from secateur_airflow.verb import environment_of

if TYPE_CHECKING:
    from airflow.sdk import Context

GRACE_S = 10.0  # between asking a process to end and ending it


class VerbProcess(VerbTask):
    """Run a verb as a process of its own."""

    def __init__(self, **airflow_arguments: Any) -> None:  # noqa: ANN401 - VerbTask's
        super().__init__(**airflow_arguments)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: "Context") -> object:
        """Run the verb and return its answer."""
        arguments = self.begin(context)
        with tempfile.TemporaryDirectory(prefix="secateur-") as folder:
            answer = Path(folder) / "answer.json"
            command = [settings.python(), self.verb.script(settings.jobs()), *arguments]
            code, error = self.run(command, answer)
            self.end(context, code, error, peak_bytes())
            return self.finish(context, json.loads(answer.read_text()))

    def run(self, command: list[str], answer: Path) -> tuple[int, str]:
        """Run the process and pass its log on line by line; return its exit code and last error."""
        self.log.info("$ %s", " ".join(command))
        error = list(NOTHING)
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
        return process.returncode, "\n".join(error)

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
