"""What a verb's task is wherever it runs: its inputs, its answer, and how an exit code ends it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, BaseOperator
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from secateur_airflow import settings
from secateur_airflow.run_day import SCHEDULED, older_backfill
from secateur_airflow.verb import NothingNewSkip, Verb, raise_for_exit

if TYPE_CHECKING:
    from airflow.sdk import Context

TEMPLATE_FIELDS = ("inputs", "output_path")


class VerbTask(BaseOperator):
    """A verb as a task. Its inputs may hold XComs, which are the edges.

    `patience` is how long it waits for a day that was not delivered, from the run's own time on;
    with `oldest_first` a backfill's runs wait for those of older days.
    """

    template_fields: Sequence[str] = TEMPLATE_FIELDS

    def __init__(
        self,
        *,
        verb: Verb,
        inputs: Mapping[str, Any],
        output_path: Sequence[Any],
        patience: timedelta = timedelta(),
        oldest_first: bool = False,
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(**airflow_arguments)
        self.verb = verb
        self.inputs = dict(inputs)
        self.output_path = list(output_path)
        self.patience = patience
        self.oldest_first = oldest_first
        self.skipped_for: AirflowSkipException | None = None  # what a callback is to tell
        self.answered: object = None

    def begin(self, context: "Context", scenarios: str = "") -> list[str]:
        """The verb's command line after its script, as `Verb.arguments`; tells where it seals."""
        self.wait_for_older(context)
        arguments = self.verb.arguments(context, self.inputs, self.output_path, scenarios)
        context["ti"].xcom_push("uri", arguments[-1])
        return arguments

    def wait_for_older(self, context: "Context") -> None:
        """Let a backfill's older days go first. Raises AirflowRescheduleException."""
        if self.oldest_first and (older := older_backfill(context)):
            self.log.info("waits for %s, whose day is older", older)
            raise AirflowRescheduleException(datetime.now(UTC) + settings.fence_poll())

    def end(self, context: "Context", code: int, error: str, peak: int = 0) -> None:
        """Raise what the exit code asks for; nothing on success. See `raise_for_exit`."""
        try:
            raise_for_exit(self.verb.name, code, error, peak)
        except AirflowSkipException as reason:
            self.wait_or_skip(context, reason)

    def finish(self, context: "Context", answer: object) -> object:
        """Return the verb's answer; where a channel moved, emit the event of its own asset."""
        self.answered = answer
        moved = answer.get("moved") if isinstance(answer, dict) else None
        if moved:
            for alias in self.outlets:
                asset = Asset(f"{alias.name}/channels/{moved['channel']}.json")
                context["outlet_events"][alias].add(asset, extra=moved)
        return answer

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
