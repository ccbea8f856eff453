"""What was delivered, by the names, sizes and times of files alone: nothing big is read."""

import os
from collections.abc import Sequence

from secateur import identity
from secateur.code_digest import night_code
from secateur.contracts import record
from secateur.events.reading.listing import list_event_files
from secateur.local_days import days_up_to
from secateur.scenario import Logs, Scenario
from secateur.scenario.loading import log_uri
from secateur.storage import open_store
from secateur.storage.erasures import erased_users

# Sections of a scenario and keys that no release depends on.
NOT_OF_THE_WORK = {"title", "schedule", "deadline_hours", "delivery_hours", "tags", "release"}


def digest_of_night(
    scenario: Scenario, uri: str | None, days: Sequence[str], state: str | None = None
) -> str:
    """Names all that a release of the log at `uri`, or where the scenario says, would depend on:
    files, scenario, code, id key.

    `days` are those of the window, none where a flat log's rows tell them. In the URI
    `state` stand the users who asked to be forgotten.
    """
    said = scenario.model_dump(mode="json", exclude=NOT_OF_THE_WORK)
    if days:  # they tell more than the keys that chose them
        said["logs"] |= {"first_day": None, "last_day": None}
    uri = uri or scenario.logs.uri
    files = digest_of_files(scenario.logs, uri, days, scenario.cleaning.late_days)
    key = identity.fingerprint(os.environ.get(identity.ID_KEY, "").encode())
    erased = erased_users(state, key)
    without = [erased] if erased else []
    return record.digest([uri, files, days, said, night_code(), key, *without])


def digest_of_files(logs: Logs, uri: str, days: Sequence[str], lookback: int) -> str:
    """Names the files that a night of these `days`, and of `lookback` days before them, reads.

    A file that was written again counts as another one. Of a flat log, which tells no days, all
    files count.
    """
    store = open_store(log_uri(uri))
    wanted = {*days_up_to(days[0], lookback + 1), *days} if days else {None}
    events = [file for file in list_event_files(store, logs).files if file.day in wanted]
    sides = [side for table in logs.sides for side in store.reachable(table.path)]
    return record.digest(
        [
            [[file.key, file.bytes, file.modified] for file in events],
            [[side.key, side.bytes, side.modified] for side in sides],
        ]
    )
