"""Images, compose file and Helm values: what they name exists, and secrets go where they belong."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
INFRA = PROJECT / "infra"
COMPOSE = INFRA / "compose" / "compose.yaml"
EXAMPLE = INFRA / "compose" / "site.env.example"
CONTAINERFILE = INFRA / "images" / "Containerfile"
LOCKS = ("airflow", "serve", "verbs")


def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def test_the_compose_file_is_valid(tmp_path: Path) -> None:
    """By Compose itself, which needs no engine for it."""
    command = next((one for one in ("docker-compose",) if shutil.which(one)), None)
    if command is None:
        pytest.skip("no docker-compose here: apt-get install docker-compose")
    site = tmp_path / "site.env"
    site.write_text(re.sub(r"=$", "=x", EXAMPLE.read_text(), flags=re.MULTILINE))
    flags = ["--env-file", str(site), "-f", str(COMPOSE), "config", "-q"]
    done = subprocess.run([command, *flags], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_variable_of_the_compose_file_stands_in_the_example() -> None:
    wanted = set(re.findall(r"\$\{(\w+)", COMPOSE.read_text()))
    told = set(re.findall(r"^(\w+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert told - wanted == {"COMPOSE_PROJECT_NAME"}
    assert wanted - told == set()


def test_services_wait_for_what_they_need_until_it_is_healthy() -> None:
    found = services()
    for name, service in found.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in found[other], f"{name} waits for {other}"
    assert found["scheduler"]["depends_on"].keys() == {"api-server", "worker"}
    assert found["init"]["restart"] == "no"


def test_nothing_listens_beyond_this_machine() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_the_signing_key_is_in_no_environment() -> None:
    text = yaml.safe_dump(services()) + yaml.safe_dump(helm())
    assert "SIGNING_KEY" not in text
    assert set(yaml.safe_load(COMPOSE.read_text())["secrets"]) == {"connections"}


def helm() -> dict[str, Any]:
    return dict(yaml.safe_load((INFRA / "helm" / "values.yaml").read_text()))


# Of the chart's values.schema.json, 1.22, the keys that the file may use.
CHART = {
    *("airflowHome", "airflowVersion", "apiSecretKeySecretName", "config", "dagProcessor", "data"),
    *(
        "createUserJob",
        "env",
        "executor",
        "extraEnvFrom",
        "fernetKeySecretName",
        "gid",
        "images",
        "jwtSecretName",
    ),
    *("postgresql", "triggerer", "uid", "volumeMounts", "volumes", "workers"),
}


def test_the_helm_values_are_keys_of_the_chart_and_run_as_the_images_user() -> None:
    assert set(helm()) <= CHART
    assert f"useradd --uid {helm()['uid']} --gid {helm()['gid']}" in CONTAINERFILE.read_text()
    assert {one["name"] for one in helm()["volumes"]} == {
        one["name"] for one in helm()["volumeMounts"]
    }


def test_pods_find_scenarios_and_workers_find_templates_where_the_helm_values_say() -> None:
    named = {one["name"]: one["value"] for one in helm()["env"]}
    mounted = {one["mountPath"] for one in helm()["volumeMounts"]}
    assert {named["AIRFLOW__SECATEUR__PODS"], named["AIRFLOW__SECATEUR__SCENARIOS"]} == mounted
    for template in (INFRA / "kubernetes" / "pods").iterdir():
        (base,) = yaml.safe_load(template.read_text())["spec"]["containers"]
        paths = {one["mountPath"] for one in base["volumeMounts"]}
        assert named["AIRFLOW__SECATEUR__POD_SCENARIOS"] in paths


def test_the_settings_of_compose_and_helm_are_read_by_the_plugin() -> None:
    table = (INFRA / "guides" / "deploy.md").read_text().partition("## Every variable")[2]
    named = {one["name"] for one in helm()["env"]} | set(services()["worker"]["environment"])
    ours = {name for name in named if name.startswith("AIRFLOW__SECATEUR__")}
    assert len(ours) > 5
    assert sorted(name for name in ours if f"`{name}`" not in table) == []


def test_what_the_images_copy_is_there_and_let_in() -> None:
    let_in = re.findall(r"^!(\S+)", (PROJECT / ".dockerignore").read_text(), re.MULTILINE)
    text = CONTAINERFILE.read_text()
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (PROJECT / source).exists()
        assert any(Path(source).is_relative_to(one) for one in let_in), source
    targets = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.MULTILINE))
    assert {"verbs", "airflow", "serve"} <= targets


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_has_the_versions_that_the_pipeline_is_tested_with(name: str) -> None:
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.\[\]-]+)==(\S+)", path.read_text(), re.MULTILINE))

    every, found = pins(PROJECT / "requirements.txt"), pins(INFRA / "locks" / f"{name}.txt")
    assert len(found) > 20
    assert {
        one: (found[one], every[one]) for one in found if found[one] != every.get(one, found[one])
    } == {}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_every_pin_that_its_extra_asks_for(name: str) -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    text = (INFRA / "locks" / f"{name}.txt").read_text()
    asked = extras[name] + (extras["site"] if name == "airflow" else [])
    wanted = [re.split(r"[<>=; \[]", one)[0] for one in asked]
    assert [one for one in wanted if not re.search(rf"^{one}==", text, re.MULTILINE)] == []
