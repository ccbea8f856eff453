"""Tell a person that a task failed for good.

The alert always stands in the task's log. It is also posted as `{"text": ...}`, which chat
webhooks understand, where the Airflow connection `secateur_alerts` exists; its extra
`{"endpoint": "/services/..."}` is the path of a webhook that has one.
"""

import logging
import os
import subprocess
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier

from secateur_airflow import settings
from secateur_airflow.signals.claims import Claim
from secateur_airflow.signals.failures import (
    BY_HAND,
    CRASHED,
    SKIPPED,
    TIMED_OUT,
    Failure,
    Record,
    error_of,
    failure_of,
    told_failures,
)
from secateur_airflow.verb import NO_RETRY, NothingNewSkip, parameters_of

if TYPE_CHECKING:
    from airflow.sdk import Context

CONNECTION = "secateur_alerts"
LOOKING_TIMEOUT_S = 60
POSTING_TIMEOUT_S = 30  # a chat that takes the call and never answers would hold the task for ever
TIMED_OUT_RUN = "timed_out"  # as Airflow gives the reason
GUIDE = "infra/guides/operate.md"
ADVICE = {
    NO_RETRY[64]: "put right what it names, then clear the task",
    NO_RETRY[65]: "look at the evidence; a retry gives the same answer",
    CRASHED: "its retries are used up: clear the task once the cause is gone",
    SKIPPED: "nothing, if the day is to come; else see why the log was not delivered",
    BY_HAND: "nothing, if it was meant; else clear what was ended",
    TIMED_OUT: "its process was ended: see what it waited for, then clear the task",
}

log = logging.getLogger(__name__)


class Alert(Record):
    """Say which task of which run failed or was skipped, why, what is served, and what to do.

    A skipped night is told too, for a log that stays away is no quiet night; but not where nothing
    was new. Of several tasks of a run the first alone is posted: a night's end names the others.
    """

    def notify(self, context: "Context") -> None:
        """Keep the record and tell people, also where the record cannot be kept."""
        claim = Claim.of(context)
        try:
            super().notify(context)  # at once, for the end of the night looks for it
        finally:
            if isinstance(error_of(context), NothingNewSkip):
                claim.keep()
                log.info("nothing is new: nobody is alarmed")
            else:
                tell_once(message_of(context, failure_of(context), read_served(context)), claim)


def tell_once(text: str, claim: Claim) -> None:
    """Log the alert, and post it where nobody else has claimed to tell people of this run."""
    log.error("ALERT %s", text)
    if claim.take():
        post(text)
        claim.keep()
    else:
        log.info("people are told of this run by another task: this stays in this log")


class TellKept(BaseNotifier):
    """After publishing: say why the channel stayed where it was, if it did."""

    def notify(self, context: "Context") -> None:
        """Tell people what was made, and what is served instead."""
        told: Any = context
        answer = getattr(told["ti"].task, "answered", None) or {}
        if answer.get("kept"):
            task = f"{told['ti'].dag_id}.{told['ti'].task_id}"
            send(
                f"{task} made release {answer['number']} in run {told['run_id']}, but its channel "
                f"stays: {answer['kept']}\nserved: {read_served(context)}\n"
                f"what to do: nothing, if it is meant so ({GUIDE})"
            )


class AskForWord(BaseNotifier):
    """Tell people that a release waits for the word of one of them, and where to give it."""

    def notify(self, context: "Context") -> None:
        """Post the question with its link."""
        told: Any = context
        operator = told["task"]
        link = operator.generate_link_to_ui_from_context(context=context)
        try:
            post(f"{operator.subject}\n{operator.body}\nanswer: {link}")
        except Exception as error:  # the question stands in Airflow, whatever the chat's state
            log.warning("the question was not posted: %s", error)


class Overdue(BaseNotifier):
    """Say that a night was ended because its time was up, for no task of its end runs then."""

    def notify(self, context: "Context") -> None:
        """Tell people where the run timed out, and what had failed before."""
        told: Any = context
        if told.get("reason") == TIMED_OUT_RUN:
            dag, asked = told["dag"].dag_id, told.get("params") or {}
            scenario = settings.scenario_of(dag)
            channel = asked.get("channel") or settings.channel_of(scenario)
            failed = ", ".join(f"{one.task} {one.kind}" for one in failed_before(told))
            before = f"failed before: {failed}\n" if failed else ""
            send(
                f"{dag} passed its deadline in run {told['run_id']}: it was ended unfinished\n"
                f"{before}served: {served_on(scenario, channel)}\n"
                f"what to do: see what it waited for, then clear what was ended ({GUIDE})"
            )


def failed_before(told: Any) -> list[Failure]:  # noqa: ANN401 - a typed dict of Airflow's
    """What is on record of a run; nothing where Airflow does not name it, or nobody can look."""
    try:
        return told_failures(told)
    except (KeyError, OSError) as error:
        log.warning("what had failed before cannot be known: %r", error)
        return []


def send(text: str) -> None:
    """Log the alert, and post it where a webhook is configured."""
    log.error("ALERT %s", text)
    post(text)


def post(text: str) -> None:
    """Post a text where a webhook is configured."""
    try:
        connection = BaseHook.get_connection(CONNECTION)
    except Exception:
        log.info("no connection %s: it stays in this log", CONNECTION)
        return
    from airflow.providers.http.hooks.http import HttpHook

    endpoint = connection.extra_dejson.get("endpoint")
    hook = HttpHook(method="POST", http_conn_id=CONNECTION)
    hook.run(endpoint, json={"text": text}, extra_options={"timeout": POSTING_TIMEOUT_S})


def message_of(
    context: Any,  # noqa: ANN401 - a typed dict of Airflow's
    failure: Failure,
    what_is_served: str,
) -> str:
    """What a person woken by it needs, a line each."""
    attempt = f", try {failure.attempt}" if failure.attempt else ""
    lines = [
        f"{context['ti'].dag_id}.{_task(failure)} {failure.kind} in run {context['run_id']}"
        f"{attempt}: {failure.message}",
        f"served: {what_is_served}",
        f"what to do: {ADVICE[failure.kind]} ({GUIDE})",
        f"log: {failure.log_url or 'in the UI'}",
    ]
    return "\n".join(lines)


def _task(failure: Failure) -> str:
    return f"{failure.task}[{failure.candidate}]" if failure.candidate else failure.task


def read_served(context: Any) -> str:  # noqa: ANN401 - as above
    """What the run's channel serves now; of a run that is about no channel, such as a sweep of
    nights, nothing is looked up."""
    params = parameters_of(context, "UTC")
    if not {"scenario", "channel"} & set(params):
        return "not looked up, this run moves no channel"
    scenario = params.get("scenario") or settings.scenario_of(context["ti"].dag_id)
    channel = str(params.get("channel") or settings.channel_of(scenario))
    target = getattr(context["ti"].task, "inputs", {}).get("target")
    return served_on(scenario, f"{channel}_{target}" if target else channel)


def served_on(scenario: str, channel: str) -> str:
    """What a channel serves now, as the client reads it."""
    uri = f"{settings.store()}/{scenario}"
    command = [settings.python(), "-m", "secateur.client", "show", uri, "--channel", channel]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": settings.jobs()},
            capture_output=True,
            text=True,
            timeout=LOOKING_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"unknown, the channel {channel} could not be read: {error}"
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        if "has no channel" in said:
            return f"nothing, {said.removeprefix('secateur: ')}"
        return f"unknown, the channel {channel} could not be read: {said}"
    shown = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line)
    return f"release {shown['release']} ({shown['recipe']}) on channel {shown['channel']}"
