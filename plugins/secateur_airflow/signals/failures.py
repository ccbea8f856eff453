"""Why a task failed for good, kept in the run's folder beside what the night sealed.

`<run>/failures/<task>.json` is a `TaskFailure` of `secateur.contracts`; the report reads it. It is
there while the task's last attempt is a failure: an attempt that begins takes it away.
"""

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowSkipException, AirflowTaskTimeout

from secateur_airflow import settings
from secateur_airflow.shared_files import SharedFile
from secateur_airflow.verb import NO_RETRY

if TYPE_CHECKING:
    from airflow.sdk import Context

FOLDER = "failures"
CRASHED, TIMED_OUT, SKIPPED, BY_HAND = "crashed", "timed out", "skipped", "ended by hand"
# A record and an alert name the task and the kind themselves.
TOLD_TWICE = re.compile(r"^\w+ (?:(?:refused|asked wrongly) \(exit \d+\): |crashed )")


@dataclass(frozen=True)
class Failure:
    """One task that failed for good: which candidate's, at which try, how, and what it said."""

    task: str
    candidate: str | None
    attempt: int
    kind: str
    message: str
    log_url: str | None


def failure_of(context: Any) -> Failure:  # noqa: ANN401 - a typed dict of Airflow's
    """What the context of a failed task tells."""
    instance, error = context["ti"], error_of(context)
    return Failure(
        task=instance.task_id,
        candidate=getattr(instance, "rendered_map_index", None),
        attempt=instance.try_number,
        kind=kind_of(error),
        message=TOLD_TWICE.sub("", str(error)) if error else "the task was marked failed",
        log_url=getattr(instance, "log_url", None),
    )


def error_of(context: Any) -> BaseException | str | None:  # noqa: ANN401 - as above
    """What the task raised: Airflow does not hand that to the callback of a skipped one."""
    error: BaseException | str | None = context.get("exception")
    return error or getattr(context["ti"].task, "skipped_for", None)


def kind_of(error: BaseException | str | None) -> str:
    """How it ended: refused, asked wrongly, skipped, timed out or crashed."""
    if isinstance(error, AirflowTaskTimeout):
        return TIMED_OUT
    if isinstance(error, AirflowSkipException):
        return SKIPPED
    code = re.search(r"\(exit (\d+)\)", str(error))
    return NO_RETRY.get(int(code.group(1)), CRASHED) if code else CRASHED


class Record(BaseNotifier):
    """Keep why the task failed or was skipped, where the night's report looks for it."""

    def notify(self, context: "Context") -> None:
        """Write the record."""
        keep_record(record_of(context), failure_of(context))


def told_failures(context: Any) -> list[Failure]:  # noqa: ANN401 - as above
    """What is on record of the run's tasks; a candidate's failure is told to nobody."""
    folder = run_folder(context).below(FOLDER)
    texts = [folder.below(name).read() for name in folder.names()]
    found = [Failure(**json.loads(text)) for text in texts]
    return [one for one in found if one.candidate is None]


def keep_record(record: SharedFile, failure: Failure) -> None:
    """Write what the report reads."""
    record.write(json.dumps(asdict(failure), sort_keys=True))


def record_of(context: Any) -> SharedFile:  # noqa: ANN401 - as above
    """Where the record of the context's task lies."""
    return run_folder(context).below(FOLDER, f"{record_name(context)}.json")


def record_name(context: Any) -> str:  # noqa: ANN401 - as above
    """The task, and which of it where it is mapped."""
    instance = context["ti"]
    index = getattr(instance, "map_index", -1)
    return str(instance.task_id) if index < 0 else f"{instance.task_id}-{index}"


def run_folder(context: Any) -> SharedFile:  # noqa: ANN401 - as above
    """Where everything of the context's run lies."""
    return SharedFile(settings.run_folder(context["dag_run"]))
