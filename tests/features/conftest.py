"""A rich log with its EventSet, and a plan to build its features."""

import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

sys.path.append(str(Path(__file__).parent))

from rich_log import RichLog, rich_log

from secateur.artifacts import Artifact


@pytest.fixture(scope="session")
def rich(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> RichLog:
    """The log, on a running Spark."""
    return rich_log(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="session")
def rich_events(rich: RichLog) -> Artifact:
    """Its EventSet."""
    return rich.write()
