"""A verb by `spark-submit`: for sites whose Spark is a cluster.

Client deploy mode, so that the verb's exit code comes back; the cluster reads and writes the
run's folder under the same URI, so `[secateur] runs` names a shared file system.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException

from secateur_airflow import settings
from secateur_airflow.places.last_words import TRACEBACK, last_words
from secateur_airflow.places.verb_task import TEMPLATE_FIELDS, VerbTask
from secateur_airflow.verb import keys_kept_from

if TYPE_CHECKING:
    from airflow.sdk import Context

EXIT_CODE = re.compile(r"Error code is: (-?\d+)")
LOG = "\nLast spark-submit output:\n"
EXCEPTION = re.compile(r"(?:\w+\.)*[A-Z]\w*(?::|$)")


class VerbOnSpark(VerbTask, SparkSubmitOperator):
    """Submit a verb to the cluster of the configured Spark connection."""

    template_fields: Sequence[str] = (*SparkSubmitOperator.template_fields, *TEMPLATE_FIELDS)

    def __init__(self, **airflow_arguments: Any) -> None:  # noqa: ANN401 - VerbTask's
        verb = airflow_arguments["verb"]
        super().__init__(
            application=verb.script(settings.jobs()),
            conn_id=settings.read("spark_conn_id", "spark_default"),
            name=f"secateur-{verb.name}",
            **airflow_arguments,
        )

    def execute(self, context: "Context") -> object:
        """Submit, wait, and return the verb's answer."""
        self.application_args = self.begin(context)
        with tempfile.TemporaryDirectory(prefix="secateur-") as folder:
            answer = Path(folder) / "answer.json"
            kept = dict.fromkeys(keys_kept_from(self.verb.name), "")
            self.env_vars = {"SECATEUR_ANSWER": str(answer), **kept}
            try:
                super().execute(context)
            except AirflowException as error:
                code = EXIT_CODE.search(str(error))
                log = str(error).partition(LOG)[2] or str(error)
                self.end(context, int(code.group(1)) if code else 1, last_words(with_indents(log)))
            return self.finish(context, json.loads(answer.read_text()))

    def on_kill(self) -> None:
        """End Python too: the provider ends Java alone, which started it."""
        started = psutil.Process().children(recursive=True)
        super().on_kill()
        for process in started:
            if any(part.endswith(f"/{self.verb.name}.py") for part in words_of(process)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process, empty once it has ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def with_indents(log: str) -> Iterator[str]:
    """The lines of a log that lost their indents: within a traceback they tell the frames."""
    in_traceback = False
    for line in log.splitlines():
        in_traceback = line == TRACEBACK or (in_traceback and not EXCEPTION.match(line))
        yield f"  {line}" if in_traceback and line != TRACEBACK else line
