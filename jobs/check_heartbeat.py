"""Alarm where no night of a scenario has ended for too long: silence is no good news.

    python jobs/check_heartbeat.py --scenario short_video --runs URI [--webhook URL] --output URI

Run it by another clock than Airflow's, such as cron: a paused DAG, a dead scheduler and a machine
that is down all look alike from here. `--runs` is the folder that holds the scenario's runs; a
night has ended once its report is sealed, however it went. Exit 65: the last one ended more than
`silence_hours` ago, or none ever did; `--webhook` is told so, once for each hours as many again.
"""

import json
import logging
import time
import urllib.request

from secateur import artifacts, command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.data import Heartbeat
from secateur.contracts.errors import Refused, SecateurError
from secateur.report.board.past_nights import REPORT, run_folders

log = logging.getLogger("secateur.check_heartbeat")
TIMEOUT_S = 30


def check_heartbeat(job: Job) -> None:
    """Look for the last night that ended, seal what was found, alarm if it is long ago."""
    now, hours = time.time(), job.scenario.silence_hours
    ended = [one for one in run_folders(job.flag("runs")) if one.has_report]
    last = max(ended, key=lambda one: one.sealed[REPORT], default=None)
    told = f"no night of {job.scenario.name} has ever ended"
    silent = last is None
    if last is not None:
        since = (now - last.sealed[REPORT]) / 3600
        told = (
            f"the last night of {job.scenario.name} to end, {last.name}, did so {since:.1f} h ago"
        )
        silent = since > hours
    before = alarmed_at(job.flag("output"))
    is_due = silent and now - before > hours * 3600
    if is_due and job.arguments["webhook"]:
        post(job.flag("webhook"), f"{told}: it should be at most {hours:g} (is its DAG paused?)")
    with job.create("Heartbeat") as draft:
        at = (now if is_due else before) if silent else 0.0
        draft.write(artifact_files.HEARTBEAT, Heartbeat(last.name if last else "", silent, at))
        job.seal(draft, {"silent": silent})
    if silent:
        raise Refused(f"{told}: more than the {hours:g} hours of silence_hours")
    log.info("%s", told)


def alarmed_at(uri: str) -> float:
    """When this silence was last told, in seconds since 1970; 0 where it was not."""
    try:
        found = artifacts.open_artifact(uri, "Heartbeat")
        return found.read(artifact_files.HEARTBEAT, Heartbeat).alarmed_at
    except SecateurError:
        return 0.0


def post(url: str, text: str) -> None:
    """Post a text as chat webhooks understand it. Raises OSError."""
    body, kind = json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(url, body, kind)  # noqa: S310 - the site's own webhook
    urllib.request.urlopen(request, timeout=TIMEOUT_S).close()  # noqa: S310


if __name__ == "__main__":
    command.run(check_heartbeat, __doc__, inputs=("runs",), options=("webhook",))
