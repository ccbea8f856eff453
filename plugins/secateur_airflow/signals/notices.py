"""At the end of a night: what came of it, once."""

import time
from collections.abc import Mapping
from typing import Any

from secateur_airflow import settings
from secateur_airflow.signals.alerts import log, message_of, post, read_served
from secateur_airflow.signals.claims import Claim
from secateur_airflow.signals.failures import Failure, told_failures

TELLING_S = 90.0  # a task that failed has told people by then, or is dead
LOOK_S = 2.0


def tell_end(context: Any, ending: Mapping[str, Any]) -> None:  # noqa: ANN401 - a typed dict of Airflow's
    """Say what a good night made, or name all that failed, and what nobody could tell before.

    `ending` is what the report answered. A night without anything new, and one whose only failure
    was told already, add nothing. Raises what the webhook does where people must still be told.
    """
    failures = told_failures(context)
    night = f"{context['ti'].dag_id} in run {context['run_id']}"
    names = ", ".join(f"{one.task} {one.kind}" for one in failures)
    claim = Claim.of(context)
    if failures and not told_by_then(claim):
        tell_late(context, failures, claim)
    elif len(failures) > 1:
        tell(f"{night} has ended. Failed in all: {names}\nserved: {read_served(context)}")
    elif not failures and settings.has_notices() and is_news(context, ending):
        sentence = f"{ending.get('status')}: {ending.get('sentence')}"
        tell(f"{night} {sentence}\nserved: {read_served(context)}")


def is_news(context: Any, ending: Mapping[str, Any]) -> bool:  # noqa: ANN401 - as above
    """Whether a night without a failure has something to tell: a release, or a dry run's end."""
    return ending.get("status") == "published" or bool(context["params"].get("dry_run"))


def told_by_then(claim: Claim) -> bool:
    """Whether people were told, once one has waited for a task that may be telling them now."""
    until = time.monotonic() + TELLING_S
    while not claim.is_told() and time.monotonic() < until:
        time.sleep(LOOK_S)
    return claim.is_told()


def tell_late(context: Any, failures: list[Failure], claim: Claim) -> None:  # noqa: ANN401 - as above
    """Post the alert of a task that was killed, or found no webhook, before it had told people."""
    text = message_of(context, failures[0], read_served(context))
    others = ", ".join(f"{one.task} {one.kind}" for one in failures[1:])
    text = f"{text}\nfailed, too: {others}" if others else text
    log.error("ALERT %s", text)
    post(text)
    claim.keep()


def tell(text: str) -> None:
    """Post what nobody must be woken by: a webhook that is away fails no night."""
    try:
        post(text)
    except Exception as error:
        log.warning("not posted: %s: %s", error, text)
