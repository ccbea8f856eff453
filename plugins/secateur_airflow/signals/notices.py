"""At the end of a night: what came of it, once."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from secateur_airflow import settings
from secateur_airflow.signals.alerts import post, read_served
from secateur_airflow.signals.failures import told_failures

if TYPE_CHECKING:
    from airflow.sdk import Context


class TellEnd(BaseNotifier):
    """Once the report is written: say what a good night made, or what failed after the first alert.

    A night without anything new, and one whose only failure was told already, add nothing.
    """

    def notify(self, context: "Context") -> None:
        """Look at the records and at what the report said; post what is new."""
        told: Any = context
        failures = told_failures(context)
        night = f"{told['ti'].dag_id} in run {told['run_id']}"
        if len(failures) > 1:
            names = ", ".join(f"{one.task} {one.kind}" for one in failures)
            post(f"{night} has ended. Failed in all: {names}\nserved: {read_served(context)}")
        elif not failures and settings.has_notices():
            ending = getattr(told["ti"].task, "answered", None) or {}
            if ending.get("status") == "published" or told["params"].get("dry_run"):
                sentence = f"{ending.get('status')}: {ending.get('sentence')}"
                post(f"{night} {sentence}\nserved: {read_served(context)}")
