"""A day cleaned once is kept: one sealed `EventDay` a day.

A flat log has no files of a day's own: it is cleaned as a whole every night, and nothing is kept.
"""

from secateur import identity
from secateur.contracts import record
from secateur.events.context import CleaningContext
from secateur.kept_days import KeptDays
from secateur.local_days import days_up_to

_OF_THE_WINDOW = {"uri", "first_day", "last_day", "window_days", "closed"}


def event_days(state: str | None, context: CleaningContext) -> KeptDays:
    """The EventDays of one log under one set of rules, in `state` where they are kept.

    A day's events depend on the raw files of the day and of those that it may repeat, on the rules
    and on the key that hashes user ids.
    """
    rules, flat = context.rules, context.rules.logs.layout == "flat"

    def inputs(day: str) -> dict[str, str]:
        days = days_up_to(day, rules.cleaning.late_days + 1)
        files = {f.key: f.sha256 for f in context.log.events if flat or f.day in days}
        sections = {
            "logs": rules.logs.model_dump(mode="json", exclude=_OF_THE_WINDOW | {"sides"}),
            "label": rules.label.model_dump(mode="json"),
            "cleaning": rules.cleaning.model_dump(mode="json"),
        }
        id_key = identity.fingerprint(context.id_key)
        return files | {"rules": record.digest(sections), "id_key": id_key}

    root = str(context.scratch / "state") if flat or not state else state
    return KeptDays(root, "clean_events", "EventDay", inputs)
