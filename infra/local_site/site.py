"""Everything that a site needs, below one folder: keys, object store and Airflow, on loopback."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from local_site.airflow_api import AirflowApi
from local_site.airflow_server import USER, LocalAirflow
from local_site.keys import make_keys
from local_site.object_store import LocalStore

PROJECT = Path(__file__).parents[2]
AIRFLOW_PORT = "8080"


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
        return LocalAirflow(self.folder / "airflow", self.airflow_port, self.environment())

    @property
    def runs(self) -> Path:
        """Root of the sealed run folders."""
        return self.folder / "runs"

    def environment(self) -> dict[str, str]:
        """What every task sees: the keys, the store's address and where run folders go."""
        settings = {"runs": str(self.runs), "python": sys.executable, **dict(self.settings)}
        return {
            **make_keys(self.folder / "keys.env"),
            **self.store.environment(),
            **{f"AIRFLOW__SECATEUR__{k.upper()}": v for k, v in settings.items()},
        }

    def start(self) -> AirflowApi:
        """Start what does not run yet. Raises ServiceError."""
        self.store.start()
        return self.airflow.start()

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
