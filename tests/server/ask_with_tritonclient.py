"""Ask a server with NVIDIA's own client of the protocol, and print what it heard as JSON.

python ask_with_tritonclient.py PORT < inputs.json
"""

import json
import sys

import numpy as np
import tritonclient.http as triton

KINDS = {"BYTES": object, "INT64": np.int64, "FP64": np.float64}


def main() -> None:
    """Ask in binary and in JSON, after all that the client can ask of a server and its model."""
    client = triton.InferenceServerClient(f"127.0.0.1:{sys.argv[1]}")
    alive = [client.is_server_live(), client.is_server_ready(), client.is_model_ready("shop")]
    given = json.load(sys.stdin)
    heard = {
        "alive": alive,
        "server": client.get_server_metadata(),
        "model": client.get_model_metadata("shop"),
        "binary": ask(client, given, True),
        "json": ask(client, given, False),
        "error": error_of(client, given[1:]),
    }
    json.dump(heard, sys.stdout)


def ask(client: triton.InferenceServerClient, given: list[dict], binary: bool) -> list[float]:
    """The probabilities, as numpy reads them."""
    outputs = [triton.InferRequestedOutput("probability", binary_data=binary)]
    result = client.infer("shop", inputs_of(given, binary), outputs=outputs, request_id="7")
    assert result.get_response()["id"] == "7"
    scores = result.as_numpy("probability")
    assert scores.dtype == np.float32
    return scores.tolist()


def inputs_of(given: list[dict], binary: bool) -> list[triton.InferInput]:
    """The client's own form of the inputs."""
    inputs = []
    for one in given:
        values = [(value or "") if one["datatype"] == "BYTES" else value for value in one["data"]]
        array = np.array(values, KINDS[one["datatype"]])
        inputs.append(triton.InferInput(one["name"], list(array.shape), one["datatype"]))
        inputs[-1].set_data_from_numpy(array, binary_data=binary)
    return inputs


def error_of(client: triton.InferenceServerClient, given: list[dict]) -> str:
    """What the client makes of a request that lacks a column."""
    try:
        client.infer("shop", inputs_of(given, False))
    except triton.InferenceServerException as error:
        return f"{error.status()}: {error.message()}"
    return ""


if __name__ == "__main__":
    main()
