"""Which rows of a log tell a label, and what those that show many items say of each of them."""

from pydantic import Field

from secateur.section import Section


class ContextEvents(Section):
    """Other actions of the log: no rows to learn from, but what later rows know.

    They enter histories with `positives_only = false`, sessions, and counters by a column (`of`).
    """

    where: str
    """Spark SQL predicate over the log's columns, all of them text: such rows are context, and no
    label is looked for in them."""
    item: str | None = None
    """Column of the item that such a row touches, where label rows show a list of items. Default:
    the log's `item`."""


class ShownList(Section):
    """A row that shows many items, each of which becomes an event.

    An item that stands twice in a list is one event, at its first place, chosen where one is.
    """

    position: str | None = None
    """Name of a column that the events get: the item's place in the list, from 1."""
    aligned: dict[str, str] = Field(default_factory=dict)
    """By the name of a column that the events get, a column of the log whose list is aligned with
    the items, such as `{ price = "prices" }`: its values stand between the same separators, and the
    n-th belongs to the n-th item. A row whose lists differ in length is quarantined."""

    @property
    def event_columns(self) -> tuple[str, ...]:
        """The columns that it gives to events."""
        place = () if self.position is None else (self.position,)
        return (*place, *self.aligned)
