"""Tell a person that a task failed for good.

The line always stands in the task's log. It is also posted as `{"text": ...}`, which chat
webhooks understand, where the Airflow connection `secateur_alerts` exists.
"""

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook, BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context

CONNECTION = "secateur_alerts"

log = logging.getLogger(__name__)


class Alert(BaseNotifier):
    """Say which task of which run failed, why, and what is served meanwhile."""

    def notify(self, context: "Context") -> None:
        """Log the alert and post it where a webhook is configured."""
        text = message(context)
        log.error("ALERT %s", text)
        try:
            BaseHook.get_connection(CONNECTION)
        except Exception:
            log.info("no connection %s: the alert stays in this log", CONNECTION)
            return
        from airflow.providers.http.hooks.http import HttpHook

        HttpHook(method="POST", http_conn_id=CONNECTION).run(json={"text": text})


def message(context: Any) -> str:  # noqa: ANN401 - a typed dict of Airflow's
    """One line for a person woken by it."""
    instance, error = context["ti"], context.get("exception")
    return (
        f"{instance.dag_id}.{instance.task_id} failed in run {context['run_id']}: {error}. "
        "What is served is unchanged."
    )
