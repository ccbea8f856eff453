"""Everything that a site needs, below one folder: keys, object store and Airflow, on loopback."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from local_site.airflow_api import AirflowApi
from local_site.airflow_server import USER, LocalAirflow
from local_site.keys import make_keys
from local_site.object_store import LocalStore
from secateur.releases.signing import SIGNING_KEY

PROJECT = Path(__file__).parents[2]
AIRFLOW_PORT = "8080"
SIGNING_CONNECTION = "secateur_signing_key"  # as the plugin asks for it


@dataclass(frozen=True)
class Site:
    """Everything below one folder. `settings` go to Airflow's `[secateur]` section."""

    folder: Path
    airflow_port: int
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def store(self) -> LocalStore:
        """The object store."""
        return LocalStore(self.folder / "store")

    @property
    def airflow(self) -> LocalAirflow:
        """The scheduler and its UI."""
        environment = self.environment()
        signing = {"conn_type": "generic", "password": environment[SIGNING_KEY]}
        environment[SIGNING_KEY] = ""  # also where the shell that starts it has one
        connections = {SIGNING_CONNECTION: signing}
        home = self.folder / "airflow"
        return LocalAirflow(home, self.airflow_port, environment, connections)

    @property
    def runs(self) -> Path:
        """Root of the sealed run folders."""
        return self.folder / "runs"

    def with_settings(self, *settings: tuple[str, str]) -> "Site":
        """The same site, with further settings for what is started now."""
        return replace(self, settings=(*self.settings, *settings))

    def environment(self) -> dict[str, str]:
        """The keys, the store's address and where run folders go.

        Every task sees all of it but the signing key, which those that publish ask Airflow for.
        """
        settings = {"runs": str(self.runs), "python": sys.executable, "one_machine": "on"}
        settings |= dict(self.settings)
        return {
            **make_keys(self.folder / "keys.env"),
            **self.store.environment(),
            **{f"AIRFLOW__SECATEUR__{k.upper()}": v for k, v in settings.items()},
        }

    def start(self, before_nights: Callable[[AirflowApi], None] | None = None) -> AirflowApi:
        """Start what does not run yet; `before_nights` as LocalAirflow. Raises ServiceError."""
        self.store.start()
        return self.airflow.start(before_nights)

    def stop(self) -> None:
        """End what we started; a stopped site is no error."""
        self.airflow.stop()
        self.store.stop()


def default_site() -> Site:
    """The site of this checkout."""
    return Site(PROJECT / "var", int(os.environ.get("SECATEUR_AIRFLOW_PORT", AIRFLOW_PORT)))


def welcome(site: Site) -> str:
    """How to reach a running site, in three lines."""
    return (
        f"Airflow  {site.airflow.url}  user {USER}, password {site.airflow.password}\n"
        f"store    {site.store.environment()['AWS_ENDPOINT_URL_S3']}  bucket models\n"
        f"runs     {site.runs}"
    )
