"""What every step of cleaning works with."""

from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

from secateur.events.raw_files import RawLog
from secateur.scenario import Cleaning, Label, Logs


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
    their way.
    """

    spark: SparkSession
    log: RawLog
    rules: Rules
    id_key: bytes
    scratch: Path
