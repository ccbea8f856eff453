"""Signatures: the standard's own vectors, rotation, and keys that are none."""

import base64

import pytest

from secateur.contracts.errors import SignatureInvalid, UsageError
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, Trust, new_seed

# RFC 8032, section 7.1, test 3.
SEED = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
PUBLIC = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
MESSAGE = "af82"
SIGNATURE = (
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
    "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
)


def base64_of(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def test_signatures_are_those_of_rfc_8032() -> None:
    signer = Signer.of(base64_of(SEED))
    assert signer.public == base64_of(PUBLIC)
    assert signer.sign(bytes.fromhex(MESSAGE)) == base64_of(SIGNATURE)
    Trust.of([base64_of(PUBLIC)]).verify(bytes.fromhex(MESSAGE), base64_of(SIGNATURE), "it")


def test_a_key_is_replaced_while_both_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = Signer.of(new_seed()), Signer.of(new_seed())
    monkeypatch.setenv(VERIFY_KEY, f"{old.public}, {new.public}")
    both = Trust.of()
    for signer in (old, new):
        both.verify(b"data", signer.sign(b"data"), "it")
    with pytest.raises(SignatureInvalid, match="it is not signed by any of the 1 keys"):
        Trust.of([new.public]).verify(b"data", old.sign(b"data"), "it")


@pytest.mark.parametrize("key", ["no base64!", base64_of("00" * 31), base64_of("00" * 33), "ü"])
def test_a_key_that_is_none_is_a_usage_error_without_the_key(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv(SIGNING_KEY, key)
    with pytest.raises(UsageError, match=SIGNING_KEY) as caught:
        Signer.of()
    assert key not in str(caught.value)
    with pytest.raises(UsageError, match=VERIFY_KEY):
        Trust.of([key])


def test_without_keys_nothing_is_signed_or_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SIGNING_KEY, raising=False)
    monkeypatch.setenv(VERIFY_KEY, " , ")
    with pytest.raises(UsageError, match=SIGNING_KEY):
        Signer.of()
    with pytest.raises(UsageError, match=VERIFY_KEY):
        Trust.of()


def test_a_publisher_trusts_itself_unless_told_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    signer, other = Signer.of(new_seed()), Signer.of(new_seed())
    monkeypatch.delenv(VERIFY_KEY, raising=False)
    signer.trust().verify(b"x", signer.sign(b"x"), "it")
    monkeypatch.setenv(VERIFY_KEY, other.public)
    with pytest.raises(SignatureInvalid):
        signer.trust().verify(b"x", signer.sign(b"x"), "it")
