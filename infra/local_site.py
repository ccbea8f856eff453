"""A whole site on this machine: keys, object store and Airflow, all on loopback, all below `var/`.

python infra/local_site.py up      start what does not run, say how to reach it
python infra/local_site.py down    stop what we started
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from airflow_api import AirflowApi
from airflow_local import USER, LocalAirflow
from keys import make_keys
from service import ServiceError
from store import LocalStore

PROJECT = Path(__file__).parents[1]
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


def main(command: str) -> int:
    """Run one of the two commands."""
    site = default_site()
    try:
        if command == "down":
            site.stop()
            return 0
        site.start()
    except ServiceError as error:
        site.stop()
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{welcome(site)}\nstop it with: make down\n")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in (["up"], ["down"]):
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
