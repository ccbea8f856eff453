"""What a snapshot withholds: of users, and counters of values, that too few events had.

A row of somebody seen twice tells what they did. What is withheld scores as what was never seen.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import functions as F  # noqa: N812

from secateur.features.days.arrow_days import text_of
from secateur.features.days.event_window import EventWindow
from secateur.features.history.daily_counts import key_of
from secateur.features.snapshot.inputs_by_key import KeyedInputs
from secateur.scenario import Features
from secateur.scenario.raw_log.column_names import INTERNAL
from secateur.spark import column_named

Flags = NDArray[np.bool_]
_EVENTS = f"{INTERNAL}events"


@dataclass(frozen=True)
class Withheld:
    """The keys of one table that events enough had, None where one event is enough.

    Without the others' `whole_rows` the table has no row of them; else it has their columns, which
    are of no user's making, and no counter.
    """

    often: pa.Array | None
    whole_rows: bool

    @classmethod
    def of(cls, window: EventWindow, features: Features, inputs: KeyedInputs) -> "Withheld":
        """Count the events of the window by the keys of a table."""
        least, by_user = features.snapshot_min_events, window.logs.user in inputs.keys
        if least == 1:
            return cls(None, False)
        columns = [*map(column_named, inputs.keys)]
        counted = window.rows(window.days).groupBy(*columns).agg(F.count("*").alias(_EVENTS))
        found = counted.where(F.col(_EVENTS) >= least).select(*columns).toArrow()
        keys = key_of([text_of(found[name]) for name in inputs.keys])
        return cls(keys, by_user or not inputs.names)

    def split(self, keys: pa.Array) -> tuple[Flags, Flags]:
        """Of `keys` [n], which have a row, and which have counters: bool [n] each."""
        every = np.ones(len(keys), np.bool_)
        if self.often is None:
            return every, every
        counted = pc.is_in(keys, value_set=self.often).to_numpy(zero_copy_only=False)
        return (counted if self.whole_rows else every), counted
