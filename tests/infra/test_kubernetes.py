"""The pod templates and secrets that a site starts from are what Kubernetes' own models know."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from kubernetes.client import ApiClient

from secateur_airflow import settings
from secateur_airflow.verb import ID_KEY, SIGNING_KEY, keys_of

FOLDER = Path(__file__).parents[2] / "infra" / "kubernetes"
KINDS = ("cpu", "gpu", "measure", "spark")
JOBS = Path(__file__).parents[2] / "jobs"


def known(body: dict[str, Any], model: str) -> Any:
    """The body as the client's own model, which must know every key of it."""
    client = ApiClient()
    found = client.deserialize(SimpleNamespace(data=json.dumps(body)), model)
    assert client.sanitize_for_serialization(found).keys() == body.keys()
    return found


def keys_at(tree: Any, path: str = "") -> set[str]:
    """Every path of keys in a tree of maps and lists."""
    if isinstance(tree, dict):
        return {f"{path}.{key}" for key in tree}.union(
            *(keys_at(value, f"{path}.{key}") for key, value in tree.items())
        )
    return set().union(*(keys_at(one, path) for one in tree)) if isinstance(tree, list) else set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_template_is_a_pod_key_by_key(kind: str) -> None:
    body = yaml.safe_load(Path(settings.pod_template(kind)).read_text())
    pod = known(body, "V1Pod")
    assert keys_at(ApiClient().sanitize_for_serialization(pod)) == keys_at(body)
    (base,) = pod.spec.containers
    assert base.name == "base"
    assert pod.spec.security_context.run_as_non_root
    assert pod.spec.automount_service_account_token is False


def test_there_is_a_template_for_each_kind_of_task_and_no_other() -> None:
    assert {path.stem for path in (FOLDER / "pods").iterdir()} == set(KINDS)


def test_few_verbs_have_keys_and_every_key_stands_in_the_secret_that_few_see() -> None:
    everyones, few = yaml.safe_load_all((FOLDER / "secrets.yaml").read_text())
    assert known(few, "V1Secret").metadata.name == settings.keys_secret()
    assert set(few["stringData"]) == {ID_KEY, SIGNING_KEY}
    assert not set(everyones["stringData"]) & set(few["stringData"])
    verbs = [path.stem for path in JOBS.glob("*.py")]
    assert {verb for verb in verbs if ID_KEY in keys_of(verb)} == {"check_run", "clean_events"}
    for kind in KINDS:
        text = Path(settings.pod_template(kind)).read_text()
        assert everyones["metadata"]["name"] in text
        assert settings.keys_secret() not in text
