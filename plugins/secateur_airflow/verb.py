"""A verb as a task: its command line, its environment, and what its exit code means.

Only a verb that hashes user ids has the id key, and only one that signs has the signing key: from
the password of the Airflow connection `secateur_signing_key`, which any secrets backend may hold,
else from Airflow's own environment.

exit 0   success; the task's XCom is the verb's answer, or the URI of what it sealed
exit 64  asked wrongly: failed without retry
exit 65  refused, the evidence is sealed: failed without retry
exit 75  the day was not delivered yet: skipped, and what waits for it
exit 80  nothing is new: skipped likewise, and nobody is alarmed
exit 85  another night works on the same state: looked at again later
else     crashed: Airflow retries
"""

import json
import logging
import os
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from secateur_airflow import settings
from secateur_airflow.run_day import BACKFILL, day_of, is_backfill

if TYPE_CHECKING:
    from airflow.sdk import Context

NO_RETRY = {64: "asked wrongly", 65: "refused"}
NOT_YET, NOTHING_NEW, FENCED = 75, 80, 85
SIGNING_KEY = "SECATEUR_SIGNING_KEY"
SIGNING_CONNECTION = "secateur_signing_key"
SIGNERS = frozenset(
    {
        *("publish_release", "publish_snapshot", "renew_channel"),
        *("roll_back", "hold_channel", "republish_release"),
    }
)
AIRFLOWS = re.compile("_?AIRFLOW_")
ID_KEY = "SECATEUR_ID_KEY"
HASHERS = frozenset({"check_run", "clean_events"})
# How `secateur.command` begins a verb's last line.
ENDED = re.compile(
    r"^\d\d:\d\d:\d\d [EC] secateur: \w+ (?:REFUSED|asked wrongly|failed) after [\d.]+ s: "
)

# Which key of the scenario a run's parameter overrides.
OVERRIDES = {
    "first_day": "logs.first_day",
    "last_day": "logs.last_day",
    "candidates": "only_candidates",
    "margin": "judgement.margin",
    "channel": "release.channel",
    "older_data": "release.older_data",
}


class NothingNewSkip(AirflowSkipException):
    """The run would make what is served already: no alarm."""


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verb:
    """What to run: `jobs/<name>.py` on a scenario file, whose log's days end by `timezone`.

    An empty `scenario` is the one that the run's form names.
    """

    name: str
    scenario: str
    timezone: str = "UTC"

    def script(self, jobs: str) -> str:
        """Path of the verb's file on a machine whose verbs lie in the folder `jobs`."""
        return f"{jobs}/{self.name}.py"

    def scenario_file(self, context: "Context", folder: str = "") -> str:
        """Path of the scenario file: as it is here, else of the same name in `folder`."""
        here = self.scenario or f"{settings.scenarios()}/{context['params']['scenario']}.toml"
        return f"{folder}/{PurePath(here).name}" if folder else here

    def arguments(
        self,
        context: "Context",
        inputs: Mapping[str, Any],
        output_path: Sequence[str],
        scenarios: str = "",
    ) -> list[str]:
        """The command line after the script; the output's URI is last.

        `scenarios` is the folder of scenario files where the verb runs, if that is elsewhere.

        `inputs` maps flags to URIs, names or texts, in which `{run}` stands for the run's folder;
        one with a dot overrides that key of the scenario, unless it is empty; one that ends in `?`
        is a switch, and one in `*` is left out where it is empty or `None`. The output goes to
        `output_path` below the run's folder, unless it begins with a URI.
        """
        demand_answers(self.name, inputs)
        run = settings.run_folder(context["dag_run"])
        keys = {name: value for name, value in inputs.items() if "." in name and value}
        flags = [
            flag_of(name, value.replace("{run}", run))
            for name, value in inputs.items()
            if "." not in name
        ]
        scenario = self.scenario_file(context, scenarios)
        changes = overrides(parameters_of(context, self.timezone), keys)
        below = () if "/" in str(output_path[0]) else (run,)
        output = "/".join([*below, *output_path])
        return [f"--scenario={scenario}", *changes, *filter(None, flags), "--output", output]


def flag_of(name: str, value: str) -> str:
    """One flag of the command line, empty where it is left out; see `Verb.arguments`."""
    flag = f"--{name.rstrip('?*').replace('_', '-')}"
    if name.endswith("?"):
        return flag if value == "True" else ""
    return "" if name.endswith("*") and value in ("", "None") else f"{flag}={value}"


def demand_answers(verb: str, inputs: Mapping[str, Any]) -> None:
    """Insist that every input is there: a task that was marked a success by hand answered nothing.

    Raises AirflowFailException.
    """
    absent = [f"--{flag}" for flag, value in inputs.items() if value is None]
    if absent:
        raise AirflowFailException(
            f"{verb} asked wrongly (exit 64): it has no {', '.join(absent)}, for the task that "
            "makes it left no answer: it was marked a success by hand; clear that task"
        )


def parameters_of(context: "Context", timezone: str) -> dict[str, Any]:
    """The run's parameters; where nobody named a day, a run with a date ends with its own.

    What Airflow's backfill makes goes to a channel of its own unless the backfill names another.
    """
    run: Any = context["dag_run"]
    params = dict(context["params"])
    params["last_day"] = params.get("last_day") or day_of(run, timezone)
    if is_backfill(run) and not (run.conf or {}).get("channel"):
        params["channel"] = BACKFILL
    return params


def overrides(params: Mapping[str, Any], keys: Mapping[str, Any] | None = None) -> list[str]:
    """Flags for the parameters that a run was given, and for further `keys` of the scenario.

    A value in JSON is one in TOML, too.
    """
    given = {key: params.get(name) for name, key in OVERRIDES.items()} | dict(keys or {})
    return [f"--set={key}={json.dumps(value)}" for key, value in given.items() if value is not None]


def raise_for_exit(verb: str, code: int, error: str, peak: int = 0) -> None:
    """Turn an exit code into the exception that gives the right task state.

    `peak` is the most memory, in bytes, that the process was seen to hold, 0 where nobody looked.
    """
    if code == 0:
        return
    error = ENDED.sub("", error)
    if code == NOT_YET:
        raise AirflowSkipException(error)
    if code == FENCED:
        raise AirflowRescheduleException(datetime.now(UTC) + settings.fence_poll())
    if code == NOTHING_NEW:
        raise NothingNewSkip(error)
    if code in NO_RETRY:
        raise AirflowFailException(f"{verb} {NO_RETRY[code]} (exit {code}): {error}")
    if code in (-signal.SIGKILL, 128 + signal.SIGKILL):
        seen = f"; it held up to {peak / 2**30:.1f} GiB" if peak else ""
        raise AirflowException(
            f"{verb} crashed (killed by SIGKILL), most likely out of memory{seen}. "
            f"Its last words: {error}"
        )
    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit {code}"
    raise AirflowException(f"{verb} crashed ({how}): {error}")


def environment_of(verb: str) -> dict[str, str]:
    """The environment of a verb's process: Airflow's settings and connections hold secrets."""
    environment = {name: value for name, value in os.environ.items() if not AIRFLOWS.match(name)}
    for name in keys_kept_from(verb):
        environment.pop(name, None)
    if verb in SIGNERS and (key := signing_key()):
        environment[SIGNING_KEY] = key
    return environment


def keys_of(verb: str) -> list[str]:
    """The names of the keys that a verb needs and most others must not have."""
    needed = {SIGNING_KEY: verb in SIGNERS, ID_KEY: verb in HASHERS}
    return [name for name, wanted in needed.items() if wanted]


def keys_kept_from(verb: str) -> list[str]:
    """The names of the keys that a verb must not have."""
    return [name for name in (SIGNING_KEY, ID_KEY) if name not in keys_of(verb)]


def signing_key() -> str:
    """The key that signs releases; empty where there is none, which the verb then says."""
    try:
        return str(BaseHook.get_connection(SIGNING_CONNECTION).password or "")
    except Exception:
        log.info("no connection %s: the environment may have the key", SIGNING_CONNECTION)
        return os.environ.get(SIGNING_KEY, "")
