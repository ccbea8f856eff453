"""KServe's own code, run in an environment of its own: nothing of ours is imported here.

python stock_kserve.py copy s3://models/... FOLDER     as its storage initializer does
python stock_kserve.py unknown < objects.json          keys that its resources do not have
"""

import json
import re
import sys
from typing import Any


def unknown_keys(kind: str, value: Any, path: str) -> list[str]:
    """Every key below `value` that KServe's or Kubernetes' model of this name does not have."""
    from kubernetes.client import models as kubernetes_models

    from kserve import models as kserve_models

    inner = re.fullmatch(r"(?:list\[|dict\(str, )(\w+)[\])]", kind, re.IGNORECASE)
    if inner:
        each = value if isinstance(value, list) else value.values()
        return [key for one in each for key in unknown_keys(inner[1], one, path)]
    model = getattr(kserve_models, kind, None) or getattr(kubernetes_models, kind, None)
    if model is None:
        return []
    names = {json_name: name for name, json_name in model.attribute_map.items()}
    found = [f"{path}.{key}" for key in value if key not in names]
    for key in value.keys() & names.keys():
        found += unknown_keys(model.openapi_types[names[key]], value[key], f"{path}.{key}")
    return found


def copy(uri: str, folder: str) -> None:
    """What KServe's storage initializer does with a storage URI."""
    from kserve_storage import Storage

    Storage.download(uri, folder)


if __name__ == "__main__":
    if sys.argv[1] == "copy":
        copy(*sys.argv[2:])
    else:
        objects = json.load(sys.stdin)
        told = {kind: unknown_keys(kind, one, kind) for kind, one in objects.items()}
        print(json.dumps(told))  # noqa: T201 - it answers so
