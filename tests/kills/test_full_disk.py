"""A disk that is full: of every verb of a night, half-way and as it is about to seal.

Each verb runs once where there is room, then on a file system of memory that has room for half of
what it wrote, then on one that lacks room for the manifest alone. It fails and says why, seals
nothing, and where there is room again gives what it gave before.
"""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kills.night_of_verbs import Night, verbs_environment
from kills.night_steps import Step, steps_of
from secateur.contracts.manifest import MANIFEST

pytestmark = pytest.mark.proof

STEPS = steps_of("hybrid_small")
PAGE = os.sysconf("SC_PAGE_SIZE")
# The file system goes with its namespace: what was sealed on it is listed before.
ON_LITTLE_ROOM = """
mount -t tmpfs -o "$1" tmpfs "$2" || exit 99
folder=$2; shift 2
"$@"; code=$?
find "$folder" -name manifest.json
exit $code
"""
# Room for the folder and the mark of an attempt, where the manifest is all that there is to seal.
NO_FILE_MORE = "nr_inodes=2"
log = logging.getLogger("secateur")


class Ended(NamedTuple):
    """How a verb ended: its exit code, the last line that it said, and the manifests it left."""

    code: int
    last_words: str
    manifests: list[Path]


def can_mount() -> bool:
    tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return bool(shutil.which("unshare")) and not subprocess.run(tried, check=False).returncode


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    if not can_mount():
        pytest.skip("this machine lets nobody mount a file system of memory")
    night = Night(tmp_path_factory.mktemp("full") / "night", verbs_environment())
    yield night


def on_little_room(night: Night, step: Step, room: str) -> Ended:
    """Run a step whose output lies on a file system of such a size, as mount(8) says it."""
    output = night.folder / step.output
    output.mkdir(parents=True, exist_ok=True)
    start = ["unshare", "-rm", "sh", "-c", ON_LITTLE_ROOM, "sh", room, str(output)]
    command = [*start, *step.command(night.scenario, night.folder)]
    done = subprocess.run(
        command, env=night.environment, capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().splitlines() or [""]
    found = [Path(line) for line in done.stdout.splitlines() if line.endswith(f"/{MANIFEST}")]
    return Ended(done.returncode, said[-1], found)


def room_for(folder: Path) -> int:
    """The bytes that the files of an artifact take in whole pages, its manifest aside."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST]
    sizes = [path.stat().st_size for path in files]
    return sum(-(-size // PAGE) for size in sizes if size) * PAGE


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.output)
def test_a_verb_without_room_seals_nothing_and_says_why(night: Night, step: Step) -> None:
    night.run(step)
    digests = {place: night.digest(place) for place in step.sealed}
    enough = sum(room_for(night.folder / place) for place in step.sealed)
    sizes = (f"size={max(enough // 2, PAGE)}", f"size={enough}")
    for room in sizes if enough else (NO_FILE_MORE,):
        ended = on_little_room(night, step, room)
        log.info("%s, %s: exit %d, %s", step.output, room, ended.code, ended.last_words)
        assert ended.code not in (0, 99), (room, ended)
        assert night.folder / step.sealed[-1] / MANIFEST not in ended.manifests
        assert "No space left" in ended.last_words
    night.run(step)
    if step.repeatable:
        assert {place: night.digest(place) for place in step.sealed} == digests
