"""Of many who want a lease one gets it, keeps it until it ends, and nobody else gives it up."""

import json
import threading

import pytest

from secateur.contracts.errors import FenceHeld, StoreError
from secateur.storage import open_store
from secateur.storage.lease import Lease, give_up, take

KEY = "night.json"
RACERS = 12


def test_the_holder_keeps_others_out_until_it_gives_up_or_its_time_is_up(root: str) -> None:
    store = open_store(root)
    take(store, KEY, Lease("run a", 100.0), now=0.0)
    take(store, KEY, Lease("run a", 200.0), now=150.0)  # a task run again
    with pytest.raises(FenceHeld, match="run a holds"):
        take(store, KEY, Lease("run b", 300.0), now=199.0)
    give_up(store, KEY, "run b")
    with pytest.raises(FenceHeld):
        take(store, KEY, Lease("run b", 300.0), now=199.0)
    take(store, KEY, Lease("run b", 300.0), now=201.0)
    give_up(store, KEY, "run b")
    take(store, KEY, Lease("run c", 400.0), now=202.0)


def test_to_give_up_what_nobody_holds_is_no_error(root: str) -> None:
    give_up(open_store(root), KEY, "run a")


@pytest.mark.parametrize("left", [None, Lease("dead", 1.0)])
def test_of_many_at_once_one_gets_it(root: str, left: Lease | None) -> None:
    store = open_store(root)
    if left:
        take(store, KEY, left, now=0.0)
    got, start = [], threading.Barrier(RACERS)

    def race(name: str) -> None:
        start.wait()
        try:
            take(open_store(root), KEY, Lease(name, 100.0), now=2.0)
        except FenceHeld:
            return
        got.append(name)

    racers = [threading.Thread(target=race, args=(f"run {n}",)) for n in range(RACERS)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert got == [json.loads(store.get(KEY).data)["holder"]]


@pytest.mark.parametrize("text", ["", "null", "[1]", "{}", '{"holder": "a", "until": "noon"}'])
def test_what_is_no_lease_is_named_and_keeps_no_report_from_being_written(
    root: str, text: str
) -> None:
    """As somebody leaves it who means to keep nights out, or looked at it with an editor."""
    store = open_store(root)
    store.put("night.json", text.encode())
    give_up(store, "night.json", "a")
    assert store.get("night.json").data == text.encode()
    with pytest.raises(StoreError, match=r"night.json tells no holder: delete it"):
        take(store, "night.json", Lease("a", 10.0), now=0.0)
