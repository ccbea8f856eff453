"""A site on this machine: keys, object store and Airflow, all on loopback, all below `var/`.

    python -m local_site up                                       start what does not run
    python -m local_site down                                     stop what we started
    python -m local_site demo [--scenario short_video] [--keep]   one night, from log to scores

`make up`, `make down` and `make demo` run these, with `jobs` and `infra` on PYTHONPATH. The demo
stops all that it started at its end, unless `--keep`; run again, it makes the next release.
"""

import argparse
import signal
import sys
from types import FrameType

from local_site.demo import console, run_demo
from local_site.service import ServiceError
from local_site.site import Site, default_site, welcome

INTERRUPTED = 130


def main() -> int:
    """Run one of the commands and return its exit code."""
    flags = argparse.ArgumentParser(
        prog="python -m local_site",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = flags.add_subparsers(dest="command", required=True)
    commands.add_parser("up")
    commands.add_parser("down")
    demo = commands.add_parser("demo")
    demo.add_argument("--scenario", default="short_video")
    demo.add_argument("--keep", action="store_true", help="leave Airflow and the store running")
    asked = flags.parse_args()
    site = default_site()
    if asked.command == "down":
        site.stop()
        return 0
    if asked.command == "up":
        return up(site)
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return run_demo(site, asked.scenario, asked.keep)
    except ServiceError as error:
        console.print(f"[red]{error}")
        return 1
    except KeyboardInterrupt:
        console.print("[red]interrupted: what was served stays served")
        return INTERRUPTED
    finally:
        if not asked.keep:
            site.stop()


def up(site: Site) -> int:
    """Start the site and say how to reach it."""
    try:
        site.start()
    except ServiceError as error:
        site.stop()
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{welcome(site)}\nstop it with: make down\n")
    return 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """A SIGTERM ends the demo as Ctrl-C does."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
