"""The model's part: ids in, probabilities out, through onnxruntime on the CPU."""

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from secateur.contracts.errors import CorruptArtifact
from secateur.serving import layout
from secateur.serving.package import Contents


class Runtime:
    """An onnxruntime session with the package's table injected."""

    def __init__(self, contents: Contents, threads: int) -> None:
        # The session reads the table where it lies, so it must live as long.
        self._table = onnxruntime.OrtValue.ortvalue_from_numpy(contents.table)
        self.resident_bytes = contents.table.nbytes + len(contents.model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_external_initializers([layout.TABLE_WEIGHTS], [self._table])
        try:
            self._session = onnxruntime.InferenceSession(
                contents.model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises classes of its own, without a public root
            raise CorruptArtifact(f"{layout.MODEL} does not load: {error}") from error
        self._check_signature(len(contents.schema.fields))

    def run(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Float32 probabilities [n] of feature ids [n, fields]."""
        if not len(ids):
            return np.empty(0, np.float32)
        feed = {layout.IDS: np.ascontiguousarray(ids, np.int32)}
        try:
            scores: NDArray[np.float32] = self._session.run([layout.PROBABILITY], feed)[0]
        except Exception as error:
            raise CorruptArtifact(f"{layout.MODEL} does not run: {error}") from error
        return scores

    def _check_signature(self, fields: int) -> None:
        inputs = [(i.name, i.type, i.shape[1:]) for i in self._session.get_inputs()]
        outputs = [o.name for o in self._session.get_outputs()]
        if inputs != [(layout.IDS, "tensor(int32)", [fields])] or outputs != [layout.PROBABILITY]:
            raise CorruptArtifact(f"{layout.MODEL} takes {inputs} and gives {outputs}")
