"""The P-256 key that signs for tools which know no Ed25519, derived from a publisher's seed.

One secret stays one: SECATEUR_SIGNING_KEY makes both keys, and replacing it replaces both. Neither
public key tells the other.
"""

import contextlib
import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from secateur.releases.signing import Signer

_INFO = b"secateur model signing, P-256"
# The order of the curve's group: FIPS 186-5, SP 800-186.
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_DRAWN_BYTES = 48  # 128 bits more than the order has, so that all keys are as likely


def derived_key(signer: Signer) -> ec.EllipticCurvePrivateKey:
    """The key of this publisher: HKDF-SHA256 (RFC 5869) of the seed, modulo the order."""
    drawn = HKDF(SHA256(), _DRAWN_BYTES, None, _INFO).derive(signer.key.private_bytes_raw())
    number = int.from_bytes(drawn, "big") % (_ORDER - 1) + 1
    return ec.derive_private_key(number, ec.SECP256R1())


def sign(signer: Signer, data: bytes) -> bytes:
    """The ECDSA signature of `data` with SHA-256, in DER; another one each time."""
    return derived_key(signer).sign(data, ec.ECDSA(SHA256()))


def has_signed(signer: Signer, data: bytes, signature: bytes) -> bool:
    """Whether this publisher signed `data`."""
    with contextlib.suppress(InvalidSignature):
        derived_key(signer).public_key().verify(signature, data, ec.ECDSA(SHA256()))
        return True
    return False


def public_pem(signer: Signer) -> bytes:
    """The public key as PEM, which stock tools read."""
    key = derived_key(signer).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def key_hint(signer: Signer) -> str:
    """How a bundle names the public key: the sha256 of its PEM."""
    return hashlib.sha256(public_pem(signer)).hexdigest()
