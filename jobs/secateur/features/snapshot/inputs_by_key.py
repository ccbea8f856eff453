"""Which inputs of the model a snapshot holds, and by which columns of a request it finds them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from secateur.contracts.features import Owner
from secateur.features.days.arrow_days import JoinedTable
from secateur.scenario import Counter, Features, FieldSpec, Logs


@dataclass(frozen=True)
class KeyedInputs:
    """What depends on the values of `keys`: event columns, counters, histories.

    Items have their names in it too, so that a service can rank them all; users have hashes alone.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...] = ()
    counters: tuple[Counter, ...] = ()
    histories: tuple[FieldSpec, ...] = ()
    names_items: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The event columns of its table."""
        return (*self.keys, *self.columns) if self.names_items else self.columns


def inputs_by_key(
    features: Features, logs: Logs, sides: Sequence[JoinedTable]
) -> tuple[KeyedInputs, ...]:
    """The inputs by key: the user's and the item's first, since other keys may lie among theirs.

    A context column is the request's own, and so is all that is of a session or of the clock,
    which no night can know: there is nothing of them.
    """
    counters = kept_counters(features)
    histories = tuple(kept_histories(features))
    owners = _owners(features, logs, sides)
    keys = dict.fromkeys(((logs.user,), (logs.item,), *(counter.keys for counter in counters)))
    return tuple(
        KeyedInputs(
            keys=key,
            columns=_columns_of(owners, key, logs),
            names_items=key == (logs.item,),
            counters=tuple(counter for counter in counters if counter.keys == key),
            histories=histories if key == (logs.user,) else (),
        )
        for key in keys
    )


def kept_counters(features: Features) -> tuple[Counter, ...]:
    """The counters that a night can know: those of no session, and of no hour or weekday.

    At midnight a key's events of the day are none, so each is as fresh as one of whole days.
    """
    of_now = features.times.keys()
    return tuple(
        counter if counter.of_single_events else counter.model_copy(update={"freshness": "day"})
        for counter in features.counters
        if counter.within is None and not of_now & set(counter.keys)
    )


def kept_histories(features: Features) -> Iterable[FieldSpec]:
    """The histories that a night can know: those of no session."""
    return (spec for spec in features.fields if spec.kind == "history" and spec.within is None)


def _owners(features: Features, logs: Logs, sides: Sequence[JoinedTable]) -> dict[str, Owner]:
    """Whose each column is, that is a field or the key of a counter."""
    owners: dict[str, Owner] = {logs.user: "user", logs.item: "item"}
    of_sides: dict[str, Owner] = dict(owners)
    for side in sides:
        owner = of_sides.get(side.key, "item")
        of_sides |= dict.fromkeys(side.columns, owner)
    keys = {key for counter in features.counters for key in counter.keys}
    owners |= {key: of_sides[key] for key in keys & of_sides.keys()}
    return owners | {spec.name: spec.owner for spec in features.fields if spec.is_column}


def _columns_of(owners: dict[str, Owner], key: tuple[str, ...], logs: Logs) -> tuple[str, ...]:
    whose = {logs.user: "user", logs.item: "item"}.get(key[0]) if len(key) == 1 else None
    ids = (logs.user, logs.item)
    return tuple(name for name, owner in owners.items() if owner == whose and name not in ids)
