"""PostgreSQL and Redis as Debian packages them, on loopback, below a folder of their own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from local_site.service import Service, free_port

START_TIMEOUT_S = 60.0


def postgres_programs() -> Path | None:
    """The folder of Debian's newest PostgreSQL server, None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@contextmanager
def postgres(database: str) -> Iterator[str]:
    """A server with one empty database; gives its SQLAlchemy address.

    It never runs as root: where we are root, it runs as Debian's user `postgres`.
    """
    programs = postgres_programs()
    assert programs is not None
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    with TemporaryDirectory(prefix="secateur-postgres-", ignore_cleanup_errors=True) as folder:
        if prefix:
            shutil.chown(folder, "postgres", "postgres")
        data, port = f"{folder}/data", str(free_port())
        init = [str(programs / "initdb"), "-D", data, "-U", "airflow", "-A", "trust", "-N"]
        subprocess.run([*prefix, *init], check=True, capture_output=True, cwd=folder)
        flags = ["-p", port, "-c", "listen_addresses=127.0.0.1", "-k", folder]
        command = [*prefix, str(programs / "postgres"), "-D", data, *flags]
        with TemporaryDirectory() as logs:
            server = Service("postgres", command, Path(logs))
            where = ["-h", "127.0.0.1", "-p", port, "-U", "airflow"]
            try:
                server.start()
                ready = [str(programs / "pg_isready"), "-q", *where]
                server.wait(lambda: subprocess.call(ready) == 0, START_TIMEOUT_S)
                subprocess.run([str(programs / "createdb"), *where, database], check=True)
                yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/{database}"
            finally:
                server.stop()


@contextmanager
def redis(folder: Path, password: str) -> Iterator[str]:
    """A server that keeps nothing; gives its address with the password."""
    port = str(free_port())
    flags = ["--bind", "127.0.0.1", "--port", port, "--requirepass", password, "--save", ""]
    server = Service("redis", ["redis-server", *flags, "--dir", str(folder)], folder)
    ping = ["redis-cli", "-p", port, "ping"]
    environment = {**os.environ, "REDISCLI_AUTH": password}

    def answers() -> bool:
        done = subprocess.run(ping, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.strip() == "PONG"

    try:
        server.start()
        server.wait(answers, START_TIMEOUT_S)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.stop()
