"""People are told of a run once: by the task that claims it first, whatever machine it is on.

`<run>/alert/claimed` names that task. It is created on the condition that it is not there, which a
file system and S3 both decide for one of many. `<run>/alert/told` is written once people were told:
where a task was killed before that, `close_night` tells them.
"""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from secateur_airflow.shared_files import SharedFile
from secateur_airflow.signals.failures import record_name, record_of, run_folder

if TYPE_CHECKING:
    from airflow.sdk import Context

ALERT = "alert"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claim:
    """The right of one task to tell people of its run."""

    folder: SharedFile
    name: str

    @classmethod
    def of(cls, context: Any) -> "Claim":  # noqa: ANN401 - a typed dict of Airflow's
        """That of the context's task."""
        return cls.of_task(context, record_name(context))

    @classmethod
    def of_task(cls, context: Any, name: str) -> "Claim":  # noqa: ANN401 - as above
        """That of another task of the context's run, named as its record is."""
        return cls(run_folder(context).below(ALERT), name)

    def take(self) -> bool:
        """Tell whether this task is the first; where that cannot be known it is.

        People are told twice rather than not at all.
        """
        try:
            self._claim_file.create(self.name)
            self._told_file.delete()
        except FileExistsError:
            return False
        except Exception as error:
            log.warning("whether people were told cannot be known: %s", error)
        return True

    def keep(self) -> None:
        """Note that people were told, or have nothing to be told."""
        try:
            self._told_file.write(self.name)
        except Exception as error:  # they were: the night's end would tell them again
            log.warning("that people were told was not kept: %s", error)

    def give_up(self) -> None:
        """Let another failure be told, where it was this task that had claimed to tell."""
        holder = text_of(self._claim_file)
        if self.name in (holder, text_of(self._told_file)):
            self._told_file.delete()  # first: a claim without it is told at the night's end
        if self.name == holder:
            self._claim_file.delete()

    def is_told(self) -> bool:
        """Whether people were told."""
        return self._told_file.exists()

    @property
    def _claim_file(self) -> SharedFile:
        return self.folder.below("claimed")

    @property
    def _told_file(self) -> SharedFile:
        return self.folder.below("told")


def text_of(file: SharedFile) -> str | None:
    """What a file says; None where there is none."""
    try:
        return file.read()
    except FileNotFoundError:
        return None


class Forget(BaseNotifier):
    """Take away the record of an earlier attempt, and its claim, as the task begins anew."""

    def notify(self, context: "Context") -> None:
        """Delete the record, if there is one."""
        record_of(context).delete()
        Claim.of(context).give_up()
