"""Sealed events and features as Spark frames, however much of them is lacking.

What is not there is left out, so that a suite can miss it by name.
"""

from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from secateur.contracts.artifact_files import EVENTS, SIDES
from secateur.contracts.features import SPLITS
from secateur.scenario import Logs
from secateur.spark import join_sides, read_parquet


def events(spark: SparkSession, folder: Path, logs: Logs) -> DataFrame:
    """The events of an EventSet with the columns of those side tables that can be joined."""
    found = _frame(spark, folder, f"{EVENTS}/*/part-*.parquet")
    for side in logs.sides:
        if side.key in found.columns and any(folder.glob(f"{SIDES}/{side.name}/part-*.parquet")):
            found = join_sides(found, folder, [side])
    return found


def splits(spark: SparkSession, folder: Path) -> dict[str, DataFrame]:
    """The rows of a FeatureSet by split."""
    return {name: _frame(spark, folder, f"{name}/part-*.parquet") for name in SPLITS}


def rows(folder: Path) -> int:
    """How many rows a FeatureSet has, as the footers of its files tell."""
    files = (file for name in SPLITS for file in folder.glob(f"{name}/part-*.parquet"))
    return sum(pq.read_metadata(file).num_rows for file in files)


def _frame(spark: SparkSession, folder: Path, pattern: str) -> DataFrame:
    files = sorted(folder.glob(pattern))
    return read_parquet(spark, files) if files else spark.createDataFrame([], StructType())
