"""What many rooms' tests share: an object store, a root at each kind of store, Spark."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from local_site.object_store import LocalStore
    from secateur.artifacts import Artifact

os.environ.setdefault("SECATEUR_ID_KEY", "the tests' key, 32 bytes or more")
os.environ.setdefault("SECATEUR_SPARK_MASTER", "local[2]")
# A test is over before the second compiler's better code would pay. Without it Java keeps 48 MB for
# code, and a long session that fills them dies of "Out of space in CodeCache".
# A heap that grows from small collects its garbage for a quarter of the time.
QUICK = (
    "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    " -XX:MetaspaceSize=256m -Xms1g -Xmn600m"
)
os.environ.setdefault("SECATEUR_SPARK_JAVA_OPTIONS", QUICK)
# Tests' matrices are small. Two threads that wait for each other while a third process runs take
# up to fifty times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "infra"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


LONG = ("scenario/test_drafting.py", "year/test_simulated_year.py", "encoding/test_logs.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules on Spark and the longest others, where processes share the modules.

    A long module that begins last is waited for while the other processes have nothing to do.
    """
    on_spark = {item.path for item in items if "spark" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in on_spark and not str(item.path).endswith(LONG))


@pytest.fixture(scope="session")
def local_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalStore"]:
    """A running SeaweedFS of our own."""
    from local_site.object_store import LocalStore

    with LocalStore(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture(scope="session")
def object_store(local_store: "LocalStore") -> dict[str, str]:
    """The AWS_* variables that find it; its bucket is `models`."""
    return local_store.environment()


@pytest.fixture(params=["file", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of an empty place, once in a folder and once in the object store."""
    if request.param == "file":
        return (tmp_path / "root").as_uri()
    for name, value in request.getfixturevalue("object_store").items():
        monkeypatch.setenv(name, value)
    return f"s3://models/{uuid4().hex}"


@pytest.fixture(scope="session")
def spark() -> Iterator["SparkSession"]:
    """The one Spark of the whole run: starting it takes longer than most tests."""
    from secateur.spark import session

    started = session()
    # Compiling a plan's code takes longer than its handful of rows; nights run with it.
    started.conf.set("spark.sql.codegen.wholeStage", "false")
    started.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    yield started
    started.stop()


FOUR_DAYS = ("logs.window_days=4", "features.tune_days=1", "features.confirm_days=1")


@pytest.fixture(scope="session")
def real_events(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> "Artifact":
    """The last four days of the bundled log, cleaned."""
    from secateur import scenario
    from small_log import run_verb, sealed

    output = tmp_path_factory.mktemp("real") / "events"
    run_verb("clean_events", scenario.load_scenario("short_video", FOUR_DAYS), output=output)
    return sealed(str(output))
