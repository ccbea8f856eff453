"""Who gets which secret: only a verb that signs has the signing key in its environment.

It comes from the password of the Airflow connection `secateur_signing_key`, which any secrets
backend of Airflow's may hold, and else from Airflow's own environment.
"""

import logging
import os

from airflow.sdk import BaseHook

SIGNING_KEY = "SECATEUR_SIGNING_KEY"
CONNECTION = "secateur_signing_key"
SIGNERS = frozenset(
    {
        *("publish_release", "publish_snapshot", "renew_channel"),
        *("roll_back", "hold_channel", "republish_release"),
    }
)

log = logging.getLogger(__name__)


def environment_of(verb: str) -> dict[str, str]:
    """The environment of a verb's process."""
    environment = {name: value for name, value in os.environ.items() if name != SIGNING_KEY}
    if verb in SIGNERS and (key := signing_key()):
        environment[SIGNING_KEY] = key
    return environment


def signing_key() -> str:
    """The key that signs releases; empty where there is none, which the verb then says."""
    try:
        return str(BaseHook.get_connection(CONNECTION).password or "")
    except Exception:
        log.info("no connection %s: the environment may have the key", CONNECTION)
        return os.environ.get(SIGNING_KEY, "")
