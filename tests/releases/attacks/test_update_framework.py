"""Each attack that The Update Framework names is among those that are tried."""

from collections.abc import Callable
from typing import Any

import pytest

from .test_attacks import (
    ATTACKS,
    appends_to_a_blob,
    deletes_a_blob,
    deletes_the_pointer,
    freezes_the_store,
    names_a_file_twice,
    removes_the_signature,
    renames_an_old_release,
    replaces_a_release_by_another_of_its_number,
    replays_an_old_pointer,
    replays_another_channel,
    replays_another_scenario,
    sends_a_pointer_without_end,
    signs_a_pointer_with_a_key_of_his_own,
    signs_the_manifest_with_a_key_of_his_own,
    swaps_a_blob,
    writes_beside_the_cache,
)

# The attacks that The Update Framework names (theupdateframework.io, "Security"). Slow retrieval is
# in `tests/test_storage_faults.py`, withdrawn keys are in `tests/releases/test_signing.py`.
OF_TUF: dict[str, list[Callable[[Any], None]]] = {
    "arbitrary software": [
        signs_a_pointer_with_a_key_of_his_own,
        signs_the_manifest_with_a_key_of_his_own,
        swaps_a_blob,
    ],
    "endless data": [sends_a_pointer_without_end, appends_to_a_blob],
    "extraneous files": [writes_beside_the_cache, names_a_file_twice],
    "indefinite freeze": [freezes_the_store],
    "malicious mirror": [deletes_the_pointer, deletes_a_blob, removes_the_signature],
    "mix and match": [replaces_a_release_by_another_of_its_number, renames_an_old_release],
    "rollback": [replays_an_old_pointer],
    "wrong software": [replays_another_scenario, replays_another_channel],
}


@pytest.mark.parametrize("name", OF_TUF)
def test_each_attack_of_the_update_framework_is_tried(name: str) -> None:
    assert {attack.forge for attack in ATTACKS} >= set(OF_TUF[name])


def test_every_attack_says_what_the_forger_does() -> None:
    assert all(attack.forge.__doc__ for attack in ATTACKS)
