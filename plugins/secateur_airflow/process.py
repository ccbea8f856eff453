"""A verb as a local process: the default place."""

import json
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from secateur_airflow import places
from secateur_airflow.verb import Verb, raise_for_exit

# As `secateur.command` writes them: 03:12:45 E secateur: ...
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d [A-Z] ")
ERROR_LINE = re.compile(r"\d\d:\d\d:\d\d [EC] ")

if TYPE_CHECKING:
    from airflow.sdk import Context


class VerbProcess(BaseOperator):
    """Run a verb as a process of its own; its inputs may hold XComs, which are the edges."""

    template_fields: Sequence[str] = ("inputs", "place")

    def __init__(
        self,
        *,
        verb: Verb,
        inputs: Mapping[str, Any],
        place: Sequence[Any],
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**airflow_arguments)
        self.verb = verb
        self.inputs = dict(inputs)
        self.place = list(place)
        self._process: subprocess.Popen[str] | None = None

    def execute(self, context: "Context") -> object:
        """Run the verb and return its answer."""
        arguments = self.verb.arguments(context, self.inputs, self.place)
        context["ti"].xcom_push("uri", arguments[-1])
        with tempfile.TemporaryDirectory(prefix="secateur-") as folder:
            answer = Path(folder) / "answer.json"
            self.run([places.python(), self.verb.script, *arguments], answer)
            return json.loads(answer.read_text())

    def run(self, command: list[str], answer: Path) -> None:
        """Run the process and pass its log on line by line. Raises on a non-zero exit."""
        self.log.info("$ %s", " ".join(command))
        complaint = ["it said nothing"]
        with subprocess.Popen(
            command,
            env={**os.environ, "SECATEUR_ANSWER": str(answer), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            self._process = process
            for line in process.stdout or ():
                complaint = heard(complaint, line.rstrip())
                self.log.info("%s", line.rstrip())
        raise_for_exit(self.verb.name, process.returncode, "\n".join(complaint))

    def on_kill(self) -> None:
        """End the verb's processes, and no others."""
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)


def heard(complaint: list[str], line: str) -> list[str]:
    """What to say of a failure so far: the last error with the lines that belong to it.

    A process that logged no error is quoted by its last line, such as a traceback's.
    """
    if ERROR_LINE.match(line):
        return [line]
    if ERROR_LINE.match(complaint[0]) and not LOG_LINE.match(line):
        return [*complaint, line]
    return complaint if ERROR_LINE.match(complaint[0]) else [line]
