"""What preprocessing and model share, and all that they share: the feature schema."""

from dataclasses import dataclass, field
from typing import Literal

Owner = Literal["user", "item", "context"]
Scale = Literal["log", "standard", "standard_log", "quantile"]
TimePart = Literal["hour_of_day", "day_of_week"]
CounterMeasure = Literal["events", "positives", "rate", "gap", "age"]

SPLITS = ("train", "tune", "confirm")
HELD_OUT = SPLITS[1:]  # days that no model is trained on
# A FeatureSet's rows have a column an input, named as it is, and these. Held-out rows alone keep
# raw values, what the train days knew of user and item, and the slices that they lie in.
USER_HASH = "user_hash"
ITEM_KEY = "item_key"  # the log's item as it is spelled, whether or not a model reads it
ROW_COLUMNS = ("label", USER_HASH, ITEM_KEY, "day", "time_ms")
LABEL_PREFIX = "label_"
VALUE_PREFIX = "value_"
TRAIN_EVENTS = USER_TRAIN_EVENTS, ITEM_TRAIN_EVENTS = ("user_train_events", "item_train_events")
# A history with event types is two inputs: its items, and under its name and this their types.
TYPES_SUFFIX = "_types"


def slice_column(number: int) -> str:
    """The column of held-out rows, 1 inside and 0 outside, of the slice of this number."""
    return f"slice_{number}"


@dataclass(frozen=True)
class CategoryField:
    """A categorical field: known values have ids 0..size-2 by falling train frequency.

    The last id, size-1, stands for every value not in the vocabulary (OOV) and for a missing
    one. So a table cut to its first K rows needs no remap: `id = min(id, K)`, row K is OOV.
    `hashed` values are user ids, kept as keyed hashes only (see `secateur.identity`).
    """

    name: str
    owner: Owner
    size: int
    min_count: int
    hashed: bool = False

    @property
    def oov(self) -> int:
        """The id of unknown and missing values."""
        return self.size - 1


@dataclass(frozen=True)
class BucketField:
    """A numeric field cut at the train days' quantiles: id = how many boundaries are <= x.

    Ids 0..len(boundaries) are the buckets; the last id, size-1, stands for a missing value.
    """

    name: str
    owner: Owner
    boundaries: tuple[float, ...]

    @property
    def size(self) -> int:
        """Number of ids: buckets and the one for missing values."""
        return len(self.boundaries) + 2

    @property
    def oov(self) -> int:
        """The id of missing values."""
        return self.size - 1


@dataclass(frozen=True)
class NumberField:
    """A numeric field as one float32, by its scale; 0.0 where it is missing.

    - log: sign(x) * log(1 + |x|)
    - standard: (x - mean) / deviation, of the train days; deviation 0 counts as 1
    - standard_log: that of the logs
    - quantile: the share of train rows at or below x, in [0, 1], linear between the `knots`, which
      rise strictly and lie at equal shares of the train rows
    """

    name: str
    owner: Owner
    scale: Scale
    mean: float = 0.0
    deviation: float = 1.0
    knots: tuple[float, ...] = ()


@dataclass(frozen=True)
class ListField:
    """Many values of one vocabulary, at most `length` of them; rows hold lists of int32 ids.

    Without `shares` it has a vocabulary of its own of `size` ids, the last one OOV; with it, it
    reads that of the category `shares`, whose size and OOV id it repeats. A list's values come in
    one text between `separator`s. With `history` they are the user's last items before the event,
    oldest first, and `separator` is None: the caller gives a sequence. An empty list is missing.
    """

    name: str
    owner: Owner
    size: int
    length: int
    separator: str | None
    min_count: int = 1
    shares: str | None = None
    history: bool = False

    @property
    def oov(self) -> int:
        """The id of unknown values."""
        return self.size - 1


@dataclass(frozen=True)
class VectorField:
    """`length` numbers, such as an item's embedding, in one text between `separator`s.

    Rows hold lists of `length` float32; a missing vector is all zeros.
    """

    name: str
    owner: Owner
    length: int
    separator: str


@dataclass(frozen=True)
class CounterMeaning:
    """What a service counts so that some inputs mean what they meant in training.

    `inputs` names the input of each measure. Counted are the events of the same values of `keys`
    that were known before the event (`freshness` "event") or before its midnight ("day"), over
    `window_days` days, the event's own among them, or `window_hours` hours, or `within` the user's
    session of at most `session_gap_minutes` between two events, or of one value of the column
    `session_column`; where `last` is said, so many of the newest. Positive is an event by its
    label, or by the column `of`, 1 or 0, or `at_least` a number. The rate is
    (positives + prior_events * prior_rate) / (events + prior_events), of 4 decimals; gap and age
    are whole seconds since the last and since the first event.
    """

    keys: tuple[str, ...]
    inputs: dict[str, str]
    freshness: Literal["event", "day"]
    prior_events: int
    prior_rate: float
    window_days: int | None = None
    window_hours: int | None = None
    within: Literal["session"] | None = None
    session_gap_minutes: int | None = None
    session_column: str | None = None
    last: int | None = None
    of: str | None = None
    at_least: float | None = None


AnyField = CategoryField | BucketField | NumberField | ListField | VectorField


@dataclass(frozen=True)
class FeatureSchema:
    """Every input of a model, by kind; `id_key` names the key that hashed the user ids.

    `tasks` name the further labels of the same rows, in their order; what a model is judged by is
    `label`. `slices` name groups of held-out rows to look at apart, `unread` what pruning took out.
    `missing` holds, by bucket, number, list or vector, the canonical spellings that the log means a
    missing value by; in a category those are unknown like any other value that was never learned.
    `counters` say what their inputs mean; a schema of earlier times says none. `times` are the
    inputs that are made of the event's time in `timezone`: a caller gives them, or the time itself.
    `drawn_rate` is the share of positives among the train rows where negatives were drawn: scores
    are probabilities at that share alone (see `serving/prior.py`).
    """

    scenario: str
    label: str
    categories: tuple[CategoryField, ...]
    buckets: tuple[BucketField, ...]
    id_key: str
    numbers: tuple[NumberField, ...] = ()
    lists: tuple[ListField, ...] = ()
    vectors: tuple[VectorField, ...] = ()
    slices: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    missing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    counters: tuple[CounterMeaning, ...] = ()
    times: dict[str, TimePart] = field(default_factory=dict)
    timezone: str = "UTC"
    drawn_rate: float | None = None

    @property
    def fields(self) -> tuple[CategoryField | BucketField, ...]:
        """The fields of one id a row, in the order of the model's id columns."""
        return (*self.categories, *self.buckets)

    @property
    def request_places(self) -> tuple[int, ...]:
        """Places in `fields` of those that all candidates of a request share: all but items'."""
        return tuple(i for i, field in enumerate(self.fields) if field.owner != "item")

    @property
    def inputs(self) -> tuple[AnyField, ...]:
        """Every field: those of one id a row, then numbers, lists and vectors."""
        return (*self.fields, *self.numbers, *self.lists, *self.vectors)

    @property
    def task_columns(self) -> tuple[str, ...]:
        """The columns of the `tasks`' labels: 1, 0, or null where a row does not tell."""
        return tuple(LABEL_PREFIX + task for task in self.tasks)

    @property
    def slice_columns(self) -> tuple[str, ...]:
        """The columns of held-out rows, 1 inside and 0 outside, of the `slices`."""
        return tuple(map(slice_column, range(len(self.slices))))

    @property
    def own_lists(self) -> tuple[ListField, ...]:
        """The lists that have a vocabulary of their own."""
        return tuple(field for field in self.lists if field.shares is None)

    @property
    def vocabularies(self) -> tuple[CategoryField | ListField, ...]:
        """The fields that have a vocabulary of their own: the categories, then such lists."""
        return (*self.categories, *self.own_lists)
