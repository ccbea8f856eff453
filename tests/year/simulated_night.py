"""A night of a simulated site: its tasks in the DAG's order, and who is told of what."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from secateur import artifacts
from secateur.contracts import artifact_files
from secateur.contracts.data import RunWindow

from .simulated_site import Ended, Site

TRIES = 3
RETRY_S = 300
QUIET = ("done", "nothing new")


class Fate(NamedTuple):
    """What becomes of a night's heavy tasks and of its publish, drawn before the year begins.

    The process dies at the `dies_at`-th write of its first try, 0 for none, which was done or not
    (`after`); for `away` tries the store is away; `answered` is whether a person who is asked lets
    it out in time.
    """

    sound: bool = True
    accepted: bool = True
    dies_at: int = 0
    after: bool = False
    away: int = 0
    answered: bool = True


GOOD = Fate()


@dataclass
class Night:
    """A run of the DAG: `kind` is Airflow's type of run, `day` the last of its window.

    What the gate and a person let out joins `gated` before it is published.
    """

    site: Site
    name: str
    day: str
    kind: str = "scheduled"
    form: dict[str, object] = field(default_factory=dict)
    fate: Fate = GOOD
    approval: bool = False
    gated: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    end: str = ""

    @property
    def folder(self) -> Path:
        """The run's folder, named as the plugin names it."""
        return self.site.runs / self.name

    def channel(self) -> str:
        """Where it publishes: backfills have a channel of their own."""
        return "backfill" if self.kind == "backfill" else "latest"

    def settings(self) -> list[str]:
        """The changes to the scenario that the operators make of the form and the run's day."""
        changed = {"logs.last_day": self.day, "release.channel": self.channel()}
        changed |= {"release.older_data": self.form.get("older_data", False)}
        if self.approval:
            changed["release.approval_hours"] = 3
        return [f"--set={key}={json.dumps(value)}" for key, value in changed.items()]

    def run(self, verb: str, *flags: str, output: str = "") -> Ended:
        """Run a verb on this run's folder."""
        where = self.folder / (output or verb)
        return self.site.run(verb, *self.settings(), *flags, output=where)

    def renew(self) -> None:
        """Tell readers that the site lives, whatever becomes of the night."""
        self.expect("renew_channel", self.run("renew_channel", f"--store={self.site.store}"))

    def check(self) -> str:
        """Ask whether the night may begin: `done`, or why not."""
        flags = [f"--form={json.dumps(self.form)}", f"--run-type={self.kind}"]
        flags += [f"--store={self.site.store}", f"--state={self.site.state}"]
        flags += [f"--run={self.folder}"]
        return self.run("check_run", *flags, output="window").state

    def work(self) -> None:
        """Leave what the heavy tasks would have, and publish what the gate accepted."""
        window = artifacts.open_artifact(str(self.folder / "window"), "RunWindow")
        days = window.read(artifact_files.WINDOW, RunWindow).days
        package = self.site.seal_night(self.folder, days, self.fate.sound, self.fate.accepted)
        if not self.fate.sound:
            self.close("refused", "validate_events failed")
        elif not self.fate.accepted:
            self.close("refused", "judge_candidates failed")
        elif self.approval and not self.fate.answered:
            self.close("refused", "nobody approved in time")
        else:
            self.gated.add(package)
            self._publish()

    def _publish(self) -> None:
        self.site.faults.arm(self.fate.dies_at, self.fate.after)
        flags = self._inputs("candidates", "verdict", "window", "events_report")
        flags.append(f"--store={self.site.store}")
        if self.approval:
            at = self.site.clock.moment().isoformat()
            flags += [f"--approval={json.dumps({'by': 'ada', 'at': at})}"]
        for number in range(TRIES):
            self.site.faults.away = number < self.fate.away
            ended = self.run("publish_release", *flags)
            self.site.faults.away = False
            if ended.state != "crashed":
                break
            self.site.clock.set_to(self.site.clock.now() + RETRY_S)
        if self.expect("publish_release", ended):
            self._accept()
            kept = str(ended.answer.get("kept") or "")
            self.close("kept" if kept else "published", kept)

    def _inputs(self, *names: str) -> list[str]:
        return [f"--{name.replace('_', '-')}={self.folder / name}" for name in names]

    def _accept(self) -> None:
        flags = self._inputs("verdict", "events_report", "dense")
        self.expect("accept_night", self.run("accept_night", *flags, f"--state={self.site.state}"))

    def expect(self, verb: str, ended: Ended) -> bool:
        """Tell people of a task that did not do its work."""
        if ended.state in QUIET:
            return True
        self.close(ended.state, f"{verb} {ended.state}")
        return False

    def close(self, end: str, words: str = "") -> None:
        """End the night: the report takes the fence away, and people are told what there is."""
        self.end = self.end or end
        if words:
            self.told.append(words)
        flags = (f"--run={self.folder}", f"--state={self.site.state}")
        done = self.run("report_night", *flags, output="report")
        assert done.state == "done", "a night that cannot even be reported"
