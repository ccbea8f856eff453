"""The keyed hash is the same in Python and in Spark, and Spark never shows the key."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from secateur import identity
from secateur.contracts.errors import UsageError
from secateur.events.columns.keyed_hash import hash_of, with_pads

VALUES = ["1", "0012", "", "straße", "用户", "🙂", "a,b", "x" * 1000, "tab\there"]
KEYS = [b"sixteen bytes ok", b"\x00" * 64, b"\xff" * 65, b"k" * 200]


def rfc_2104(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 written out from the standard."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner, outer = (bytes(b ^ pad for b in block) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).digest()


@given(st.binary(min_size=1, max_size=100), st.text(max_size=50))
def test_the_hash_is_hmac_sha256_cut_to_16_digits(key: bytes, value: str) -> None:
    assert identity.hash_id(key, value) == rfc_2104(key, value.encode()).hex()[:16]


def test_half_a_surrogate_pair_is_hashed_as_java_spells_it() -> None:
    assert identity.hash_id(KEYS[0], "u\ud83d") == identity.hash_id(KEYS[0], "u?")


@pytest.mark.parametrize("key", KEYS, ids=len)
def test_spark_hashes_as_python_does(spark: SparkSession, key: bytes) -> None:
    frame = spark.createDataFrame([(value,) for value in [*VALUES, None]], "value string")
    rows = with_pads(frame, key).select("value", hash_of(F.col("value")).alias("hash")).collect()
    expected = {value: identity.hash_id(key, value) for value in VALUES}
    assert {row.value: row.hash for row in rows} == {**expected, None: None}


def test_no_plan_shows_the_key(spark: SparkSession, capsys: pytest.CaptureFixture[str]) -> None:
    key = b"a key that nobody may see, ever."
    frame = with_pads(spark.range(3).withColumn("id", F.col("id").cast("string")), key)
    hashed = frame.select(hash_of(F.col("id")))
    hashed.explain(mode="extended")
    hashed.explain(mode="codegen")
    plans = capsys.readouterr().out
    assert "sha2" in plans
    block = key.ljust(64, b"\0")
    pads = [bytes(b ^ 0x36 for b in block), bytes(b ^ 0x5C for b in block)]
    for secret in (key, *pads):
        for shown in (secret.hex(), secret.hex().upper(), base64.b64encode(secret).decode()):
            assert shown[:24] not in plans
    assert key.decode() not in plans


def test_a_missing_or_short_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(identity.ID_KEY)
    with pytest.raises(UsageError, match=identity.ID_KEY):
        identity.id_key()
    monkeypatch.setenv(identity.ID_KEY, "too short")
    with pytest.raises(UsageError, match="16 bytes"):
        identity.id_key()


def test_the_fingerprint_names_the_key_and_is_no_hash_of_an_id() -> None:
    one, other = (identity.fingerprint(key) for key in KEYS[:2])
    assert one != other
    assert len(one) == 16
