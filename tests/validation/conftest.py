"""Nights made by hand, beside a running Spark."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from small_events import Nights, small_nights


@pytest.fixture
def nights(spark: SparkSession, tmp_path: Path) -> Nights:
    return small_nights(tmp_path)
