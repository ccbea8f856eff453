"""The files of a scenario's log where a check can read them: local ones, or copies of some."""

from dataclasses import dataclass
from pathlib import Path

from secateur.contracts.errors import ObjectMissing, UsageError
from secateur.scenario.loading import log_uri
from secateur.scenario.raw_log.files import data_files, is_hidden
from secateur.scenario.raw_log.reading import column_names
from secateur.scenario.sections.logs import Logs
from secateur.scenario.sections.scenario import Scenario
from secateur.scenario.sections.tables import SideTable, TableFormat
from secateur.storage import Store, local_path, open_store

_COPIES = 5  # of the files of an object store


@dataclass(frozen=True)
class LogAtHand:
    """Event files in their order; `whole` where they are all that the log has."""

    logs: Logs
    files: tuple[Path, ...]
    whole: bool
    store: Store
    scratch: Path

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all files, in the order they come."""
        names = (name for file in self.files for name in column_names(file, self.logs))
        return tuple(dict.fromkeys(names))

    def side_columns(self, side: SideTable) -> tuple[str, ...]:
        """The columns of a side table. Raises UsageError where it is not there."""
        return column_names(_local_copy(self.store, side.path, self.scratch), _format_of(side))


def open_log_at_hand(scenario: Scenario, place: str, scratch: Path) -> LogAtHand:
    """The log at a URI, the file or folder of events at a path, or for "" the scenario's own.

    Of an object store some files are copied to `scratch`. Raises UsageError where there is none.
    """
    logs, path = scenario.logs, Path(place)
    own = open_store(log_uri(logs.uri))
    if place and path.is_file():
        return LogAtHand(logs, (path,), False, own, scratch)
    if place and path.is_dir() and not (path / logs.events).is_dir():
        return LogAtHand(logs, _some_file(path, list(data_files(path))), True, own, scratch)
    store = open_store(path.absolute().as_uri()) if path.is_dir() and place else own
    store = open_store(log_uri(place)) if place and not path.is_dir() else store
    folder = local_path(store.uri)
    if folder is not None:
        where = folder / logs.events
        files = list(data_files(where)) if where.is_dir() else []
        return LogAtHand(logs, _some_file(where, files), True, store, scratch)
    keys = [key for key in store.keys(f"{logs.events}/") if not is_hidden(key.split("/"))]
    some = sorted(keys)[:: max(1, len(keys) // _COPIES)][:_COPIES]
    copies = [_local_copy(store, key, scratch) for key in some]
    where = Path(f"{store.uri}/{logs.events}")
    return LogAtHand(logs, _some_file(where, copies), len(some) == len(keys), store, scratch)


def _some_file(where: Path, files: list[Path]) -> tuple[Path, ...]:
    if not files:
        raise UsageError(f"{where}: no file of a log there")
    return tuple(files)


def _local_copy(store: Store, key: str, scratch: Path) -> Path:
    """The file itself, or a copy of an object. Raises UsageError where there is none."""
    folder = local_path(store.uri)
    path = (folder or scratch) / key
    try:
        if folder is None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(store.get(key).data)
    except ObjectMissing as error:
        raise UsageError(f"{store.uri}: no {key} there") from error
    if not path.is_file():
        raise UsageError(f"{store.uri}: no {key} there")
    return path


def _format_of(side: SideTable) -> TableFormat:
    return TableFormat(**{name: getattr(side, name) for name in TableFormat.model_fields})
