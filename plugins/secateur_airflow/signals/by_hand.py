"""A night that a person ended, or a task that ended without a word, is red and told.

Airflow marks what runs as failed, skips what had not begun, and calls a run whose last task was
skipped a success. So the states of all tasks are looked at before the report is written, and once
more after it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException

from secateur_airflow.signals.alerts import message_of, read_served, tell_once
from secateur_airflow.signals.claims import Claim
from secateur_airflow.signals.failures import (
    BY_HAND,
    FOLDER,
    Failure,
    keep_record,
    run_folder,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

NIGHT = "night"  # stands for the run as a whole among the records
FIRST, JUDGED, LAST = "check_run", "judge_candidates", "accept_night"
ENDED = "the run was marked by hand: what had not begun was skipped"
KILLED = "it failed without a word: marked failed by hand, or its worker was lost"

States = Mapping[str, str | None]


def left_undone(states: States, dry_run: bool) -> bool:
    """Tell whether the night's last step was skipped though nothing in the night asked for that.

    `states` are by task, those of mapped ones by `<task>_<index>`.
    """
    last = JUDGED if dry_run else LAST
    return states.get(last) == "skipped" and states.get(FIRST) != "skipped"


def without_a_word(states: States, told: frozenset[str]) -> list[str]:
    """Tasks that failed and left no record among those `told`, which are named like the states."""
    return sorted(task for task, state in states.items() if state == "failed" and task not in told)


class TellEndedByHand(BaseNotifier):
    """Before the report: keep a record of what failed without a word, and tell people once."""

    def notify(self, context: "Context") -> None:
        """Look at the run's tasks; write what is to be told."""
        states = states_of(context)
        folder = run_folder(context).below(FOLDER)
        known = {name.removesuffix(".json") for name in folder.names()}
        # A mapped task's record is named with a hyphen, its state with an underscore.
        told = frozenset(known | {"_".join(name.rsplit("-", 1)) for name in known})
        found = [_failure(task, KILLED) for task in without_a_word(states, told)]
        if left_undone(states, _is_dry(context)):
            found += [] if NIGHT in known else [_failure(NIGHT, ENDED)]
        else:
            folder.below(f"{NIGHT}.json").delete()
            Claim.of_task(context, NIGHT).give_up()
        for failure in found:
            keep_record(folder.below(f"{failure.task}.json"), failure)
        if found:
            # The run itself says more than the tasks that ended with it.
            text = message_of(context, found[-1], read_served(context))
            tell_once(text, Claim.of_task(context, found[-1].task))


def demand_finished(context: "Context") -> None:
    """Fail where the night was left undone, which Airflow alone would call a success."""
    if left_undone(states_of(context), _is_dry(context)):
        raise AirflowFailException(f"{ENDED}; nothing was accepted")


def states_of(context: Any) -> States:  # noqa: ANN401 - a typed dict of Airflow's
    """The states of all tasks of the run, by task."""
    run = context["run_id"]
    instance = context["ti"]
    states: States = instance.get_task_states(instance.dag_id, run_ids=[run]).get(run, {})
    return states


def _is_dry(context: Any) -> bool:  # noqa: ANN401 - as above
    return bool(context["params"].get("dry_run"))


def _failure(task: str, message: str) -> Failure:
    return Failure(task, None, 0, BY_HAND, message, None)
