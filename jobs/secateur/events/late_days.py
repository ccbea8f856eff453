"""Days that came late: their files are others than when they were first cleaned."""

import logging

from secateur.command import Job
from secateur.contracts.artifact_files import LATE
from secateur.contracts.data import LateDays
from secateur.events.raw_files import RawLog
from secateur.kept_days import KeptDays

log = logging.getLogger("secateur")

RULES = ("rules", "columns", "id_key", "code")


def days_delivered_again(raw: RawLog, kept: KeptDays) -> tuple[str, ...]:
    """Days that are cleaned again because their own files changed, the oldest first.

    One that other rules, code or keys had cleaned, or that waits for the late rows of a day before
    it, is not among them.
    """
    late = tuple(day for day in raw.days if _is_delivered_again(day, raw, kept))
    if late:
        log.warning("delivered again since they were cleaned: %s", ", ".join(late))
    return late


def seal_late_days(job: Job, late: tuple[str, ...]) -> None:
    """Seal them beside what the verb made: the EventSet is the same, whatever was there before."""
    if late:
        with job.create(LateDays.__name__, "late") as draft:
            draft.write(LATE, LateDays(late))
            job.seal(draft, {"days": list(late)})


def _is_delivered_again(day: str, raw: RawLog, kept: KeptDays) -> bool:
    now = kept.made_from(day)
    same_rules = [
        made for made in kept.earlier(day) if all(made.get(role) == now[role] for role in RULES)
    ]
    own = {_folder(file.key) for file in raw.events if file.day == day}
    others = {_folder(file.key) for file in raw.events if file.day != day} - own
    elsewhere = {file.key for file in raw.events if file.day != day}

    def of_day(made: dict[str, str]) -> dict[str, str]:
        return {
            key: value
            for key, value in made.items()
            if key not in elsewhere and (key in RULES or _folder(key) not in others)
        }

    return bool(same_rules) and all(of_day(made) != of_day(now) for made in same_rules)


def _folder(key: str) -> str:
    return key.rpartition("/")[0]
