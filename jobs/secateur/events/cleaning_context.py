"""What every step of cleaning works with."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyspark.sql import SparkSession

from secateur import identity
from secateur.events.raw_files import RawLog
from secateur.scenario import Cleaning, Label, Logs
from secateur.storage.erasures import erased_users


@dataclass(frozen=True)
class Rules:
    """The sections of a scenario that say what a usable row is."""

    logs: Logs
    label: Label
    cleaning: Cleaning


@dataclass(frozen=True)
class CleaningContext:
    """One night's raw log under its rules.

    `id_key` is the secret that hashes user ids. `scratch` is an empty local folder for files on
    their way. The URI `state` is where nights leave what later ones know.
    """

    spark: SparkSession
    log: RawLog
    rules: Rules
    id_key: bytes
    scratch: Path
    state: str | None = None

    @cached_property
    def erasures(self) -> tuple[str, ...]:
        """The keyed hashes of users of whom nothing may be kept."""
        return erased_users(self.state, identity.fingerprint(self.id_key))
