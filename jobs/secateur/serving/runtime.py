"""The model's part: the graph's inputs in, probabilities out, through onnxruntime on the CPU."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import FeatureSchema
from secateur.serving.files import layout
from secateur.serving.files.package import Contents

_FOLDER = "session.model_external_initializers_file_folder_path"
Feed = dict[str, NDArray[np.int32] | NDArray[np.float32]]
Kind = tuple[str, list[int | None]]  # an input's type, and its columns
IdPlaces = dict[str, list[int]]


class Runtime:
    """An onnxruntime session with the package's table injected."""

    def __init__(self, contents: Contents, threads: int) -> None:
        # The session reads the table where it lies, so it must live as long.
        self._table = onnxruntime.OrtValue.ortvalue_from_numpy(contents.table)
        mapped = contents.mapped_in
        self.resident_bytes = len(contents.model) + (0 if mapped else contents.table.nbytes)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        if mapped:
            options.add_session_config_entry(_FOLDER, str(mapped))
        else:
            options.add_external_initializers([layout.TABLE_WEIGHTS], [self._table])
        options.add_initializer(layout.TABLE_WEIGHTS, self._table)  # without it, a copy is kept
        try:
            self._session = onnxruntime.InferenceSession(
                contents.model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own, without a public root
            raise CorruptArtifact(f"{layout.MODEL} does not load: {error}") from error
        found: dict[str, Kind] = {
            one.name: (one.type, [n if isinstance(n, int) else None for n in one.shape[1:]])
            for one in self._session.get_inputs()
        }
        # A package without this input has all ids in one.
        self.id_places = id_places(contents.schema, apart=layout.REQUEST_IDS in found)
        self.inputs = _signature(contents.schema, self.id_places)
        # By what they predict: the label, then every task.
        tasks = {task: layout.task_output(task) for task in contents.schema.tasks}
        self._outputs = {contents.schema.label: layout.PROBABILITY, **tasks}
        outputs = [o.name for o in self._session.get_outputs()]
        if found != self.inputs or outputs != [*self._outputs.values()]:
            raise CorruptArtifact(f"{layout.MODEL} takes {found} and gives {outputs}")

    def run(self, feed: Feed) -> NDArray[np.float32]:
        """Float32 probabilities [n] of the label for the graph's inputs (see `layout`)."""
        return self._run([layout.PROBABILITY], feed)[0]

    def run_tasks(self, feed: Feed) -> dict[str, NDArray[np.float32]]:
        """Float32 probabilities [n] of the label and of every task by name."""
        return dict(zip(self._outputs, self._run([*self._outputs.values()], feed), strict=True))

    def _run(self, outputs: list[str], feed: Feed) -> list[NDArray[np.float32]]:
        if not len(feed[layout.IDS]):
            return [np.empty(0, np.float32) for _ in outputs]
        try:
            found: list[NDArray[np.float32]] = self._session.run(outputs, feed)
        except Exception as error:
            raise CorruptArtifact(f"{layout.MODEL} does not run: {error}") from error
        return found


def id_places(schema: FeatureSchema, *, apart: bool) -> IdPlaces:
    """Inputs of ids, and the places of the fields in each."""
    once = schema.request_places if apart else ()
    items = [place for place in range(len(schema.fields)) if place not in once]
    return ({layout.REQUEST_IDS: list(once)} if apart else {}) | {layout.IDS: items}


def _signature(schema: FeatureSchema, sides: IdPlaces) -> dict[str, Kind]:
    """Type and columns of every input that a model of `schema` has; None where they vary."""
    inputs: dict[str, Kind] = {
        name: ("tensor(int32)", [len(places)]) for name, places in sides.items()
    }
    if schema.numbers:
        inputs[layout.NUMBERS] = ("tensor(float)", [len(schema.numbers)])
    if schema.vectors:
        inputs[layout.VECTORS] = ("tensor(float)", [sum(f.length for f in schema.vectors)])
    return inputs | {layout.list_input(f.name): ("tensor(int32)", [None]) for f in schema.lists}
