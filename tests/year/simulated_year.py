"""A year of nights with seeded faults: what happens when, and what must hold after every step."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count

from secateur.contracts.errors import ReleaseError
from secateur.releases.pulling import PulledRelease

from .simulated_night import Fate, Night
from .simulated_site import DELIVERY_HOURS, VALID_DAYS, WINDOW_DAYS, Site

HOUR = 3600.0
DAY = 24 * HOUR
NIGHT_AT = 3 * HOUR
WORK_HOURS = 2
KEEP = 5
KEEP_DAYS = 10
GRACE_HOURS = 48
PUBLISHES_TOUCH = 12  # writes of a publish, at least
MOVED_BY_PEOPLE = ("rolled back", "republished")


@dataclass
class Watch:
    """What must hold after every step; readers look with a cache of their own."""

    site: Site
    gated: set[str] = field(default_factory=set)
    older_asked: bool = False
    steps: int = 0
    _last: PulledRelease | None = None

    def look(self, expired: bool) -> None:
        """Pull, and hold what is served against what may be."""
        self.steps += 1
        try:
            found = self.site.pull()
        except ReleaseError as error:
            assert self._last is None or (expired and "good until" in str(error)), error
            return
        assert not expired, "a frozen store was believed"
        assert found.manifest.package in self.gated, "what no gate accepted is served"
        if self._last is not None and found.manifest.number != self._last.manifest.number:
            self._hold_move(self._last, found)
        self._last = found

    def _hold_move(self, before: PulledRelease, after: PulledRelease) -> None:
        action = after.pointer.history[0].action
        if action in MOVED_BY_PEOPLE or self.older_asked:
            return
        assert before.pointer.hold is None, "a held channel moved"
        assert after.manifest.last_day >= before.manifest.last_day, "back to older data, unasked"


class Year:
    """A discrete-event simulation: `plan` draws what happens, `run` lets it happen in order."""

    def __init__(self, site: Site, seed: int, first: date, days: int) -> None:
        self.site, self.first, self.days = site, first, days
        self.dice = random.Random(seed)
        self.watch = Watch(site)
        self.nights: dict[str, Night] = {}
        self.silent: set[str] = set()
        self.ends: dict[str, int] = {}
        self.alarmed_at = 0.0
        self._epoch, self._renewed_at = 0, 0.0
        self._order = count()
        self._events: list[tuple[float, int, str, Callable[[], None]]] = []
        self._dead = {
            day
            for start in range(days)
            if self.dice.random() < 0.008
            for day in range(start, start + self.dice.randint(1, 6))
        }

    def run(self) -> None:
        """Let the year happen."""
        self._plan()
        while self._events:
            moment, _, self.now_at, happen = heapq.heappop(self._events)
            self.site.clock.set_to(max(moment, self.site.clock.now()))
            happen()
            self.watch.look(expired=self._is_expired())

    def _is_expired(self) -> bool:
        """Whether nobody wrote the channel's pointer for longer than readers believe it."""
        now, pointed = self.site.clock.now(), self.site.catalogue().pointer("latest")
        if pointed and pointed.pointer.epoch != self._epoch:
            self._epoch, self._renewed_at = pointed.pointer.epoch, now
        return now > self._renewed_at + VALID_DAYS * DAY

    def at(self, moment: float, what: str, happen: Callable[[], None]) -> None:
        """Let something happen at a moment, after what was said to happen then before."""
        heapq.heappush(self._events, (moment, next(self._order), what, happen))

    def _midnight(self, day: date) -> float:
        return (day - date(1970, 1, 1)).days * DAY

    def day(self, number: int) -> str:
        """The ISO date of a day of the year, which may lie before its first."""
        return (self.first + timedelta(days=number)).isoformat()

    def _plan(self) -> None:
        for number in range(1 - WINDOW_DAYS, 0):
            self.site.write_day(self.day(number))
        for number in range(self.days):
            end = self._midnight(self.first) + (number + 1) * DAY
            self._plan_delivery(number, end)
            self._plan_night(number, end + NIGHT_AT)
            self._plan_people(number, end)
            for hour in range(0, 24, 6):
                self.at(end + hour * HOUR, f"{self.day(number)} heartbeat", self._listen)
            if number % 7 == 6:
                self.at(end + 12 * HOUR, f"{self.day(number)} sweep", self._sweep)

    def _plan_delivery(self, number: int, end: float) -> None:
        day, site = self.day(number), self.site
        kind = self.dice.choices(
            ("on time", "late", "next day", "lost", "half", "twice", "stray"),
            (78, 7, 5, 1, 4, 3, 2),
        )[0]
        hours = {"late": 7.5, "next day": 20.0, "lost": 52.0}.get(kind, 1.0)
        if kind == "half":
            self.at(end + HOUR, f"{day} half", lambda: site.write_day(day, "half", whole=False))
            hours = 6.5
        if kind == "twice":
            self.at(end + 30 * HOUR, f"{day} again", lambda: site.write_day(day, "mended"))
        if kind == "stray":
            self.at(end, f"{day} stray", lambda: site.write_day("2045-01-01"))
        self.at(end + hours * HOUR, f"{day} {kind}", lambda: site.write_day(day))

    def _plan_night(self, number: int, start: float) -> None:
        dice = self.dice
        fate = Fate(
            sound=dice.random() > 0.02,
            accepted=dice.random() > 0.08,
            dies_at=dice.randint(1, PUBLISHES_TOUCH) if dice.random() < 0.1 else 0,
            after=dice.random() < 0.5,
            away=dice.randint(1, 4) if dice.random() < 0.03 else 0,
            answered=dice.random() > 0.1,
        )
        approval = number > self.days // 2
        night = Night(self.site, "", self.day(number), fate=fate, approval=approval)
        self.at(start, f"{night.day} night", lambda: self._begin(night, number))
        # The alarm comes silence_hours after the last night that ended.
        self.at(start + 1.5 * DAY, f"{night.day} heard", lambda: self._demand_heard(night.day))

    def _plan_people(self, number: int, end: float) -> None:
        dice, noon = self.dice, end + 12 * HOUR
        for share, what, act in (
            (0.03, "rolls back", self._roll_back),
            (0.02, "holds", self._hold),
            (0.1, "runs an older day", self._run_older),
            (0.02, "backfills", self._backfill),
            (0.05, "asks again", self._ask_again),
            (0.03, "mistypes", self._mistype),
        ):
            if dice.random() < share:
                when = noon + dice.random() * 6 * HOUR
                self.at(when, f"{self.day(number)} somebody {what}", lambda act=act: act(number))

    def _listen(self) -> None:
        """What cron does, whatever becomes of Airflow."""
        flags, output = f"--runs={self.site.runs}", self.site.folder / "heartbeat"
        if self.site.run("check_heartbeat", flags, output=output).state == "failed":
            self.alarmed_at = self.site.clock.now()

    def _is_dead(self) -> bool:
        """Whether the scheduler is."""
        return int((self.site.clock.now() - self._midnight(self.first)) // DAY) in self._dead

    def _begin(self, night: Night, number: int) -> None:
        if self._is_dead():
            return  # no run is made, and Airflow does not catch up
        if night.kind == "scheduled":
            self.nights[night.day] = night
        night.name = f"{self.site.clock.moment():%Y%m%dT%H%M%S}-{next(self._order):06x}"
        night.renew()
        self._check(night, self.site.clock.now())

    def _check(self, night: Night, begun: float) -> None:
        now = self.site.clock.now()
        state = night.check()
        waits = DELIVERY_HOURS if state == "skipped" and night.kind == "scheduled" else 0
        if state == "done":
            self.at(now + WORK_HOURS * HOUR, f"{night.day} works", lambda: self._work(night))
        elif state == "waiting" or now < begun + waits * HOUR:
            self.at(now + HOUR, f"{night.day} waits", lambda: self._check(night, begun))
        else:
            night.close(state, "" if state == "nothing new" else f"check_run {state}")
            self._count(night)

    def _work(self, night: Night) -> None:
        if self._is_dead():  # a scheduler that is back goes on with what it finds
            then = self.site.clock.now() + HOUR
            self.at(then, f"{night.day} goes on", lambda: self._work(night))
            return
        self.watch.older_asked = bool(night.form.get("older_data"))
        night.gated = self.watch.gated
        night.work()
        self._count(night)

    def _count(self, night: Night) -> None:
        self.ends[f"{night.kind} {night.end}"] = self.ends.get(f"{night.kind} {night.end}", 0) + 1

    def _demand_heard(self, day: str) -> None:
        """Every night is published, or somebody was told; without one the heartbeat alarms."""
        night = self.nights.get(day)
        if night is None:
            self.silent.add(day)
            assert self.site.clock.now() - self.alarmed_at < DAY, f"nobody heard of {day}"
            return
        assert night.end == "published" or night.told, f"the night of {day} ended {night.end}"

    def _person(self, verb: str, *flags: str) -> str:
        flags = (f"--store={self.site.store}", "--reason=a person wants it", "--by=ada", *flags)
        return self.site.run(verb, *flags, output=self.site.folder / "by_hand").state

    def _roll_back(self, number: int) -> None:
        pointed = self.site.catalogue().pointer("latest")
        served = [move.release for move in pointed.pointer.history] if pointed else []
        older = [one for one in served if pointed and one != pointed.pointer.release]
        if older and self._person("roll_back", f"--release={older[0]}") == "done":
            self._resume_later(number)

    def _hold(self, number: int) -> None:
        if self._person("hold_channel") == "done":
            self._resume_later(number)

    def _resume_later(self, number: int) -> None:
        then = self.site.clock.now() + self.dice.randint(1, 3) * DAY
        what = f"{self.day(number)} resumed"
        self.at(then, what, lambda: self._person("hold_channel", "--resume"))

    def _run_older(self, number: int) -> None:
        form: dict[str, object] = {"again": True, "older_data": self.dice.random() < 0.3}
        night = Night(self.site, "", self.day(number - 2), "manual", form)
        self._begin(night, number)

    def _backfill(self, number: int) -> None:
        for back in (4, 3, 2):
            self._begin(Night(self.site, "", self.day(number - back), "backfill"), number)

    def _ask_again(self, number: int) -> None:
        self._begin(Night(self.site, "", self.day(number), "manual"), number)

    def _mistype(self, number: int) -> None:
        night = Night(self.site, "", self.day(number), "manual", {"dryrun": True})
        self._begin(night, number)

    def _sweep(self) -> None:
        site, nights = self.site, ["--delete", f"--keep={KEEP}", f"--keep-days={KEEP_DAYS}"]
        flags = [f"--run={site.runs}", f"--state={site.state}", *nights]
        if site.run("sweep_nights", *flags, output=site.folder / "swept").state == "waiting":
            self.at(site.clock.now() + HOUR, "sweep", self._sweep)
            return
        releases = [f"--store={site.store}", "--delete", f"--keep={KEEP}"]
        releases.append(f"--grace-hours={GRACE_HOURS}")
        assert site.run("sweep_releases", *releases, output=site.folder / "swept").state == "done"
        self._demand_bounds()

    def _demand_bounds(self) -> None:
        runs = len(list(self.site.runs.iterdir()))
        assert runs <= KEEP + 4 * KEEP_DAYS, f"{runs} runs are left"
        days = list((self.site.state / "clean_events").iterdir())
        assert len(days) <= KEEP_DAYS + 14, f"{len(days)} days are left"
        releases = sum(1 for _ in self.site.catalogue().releases())
        assert releases <= KEEP + 12, f"{releases} releases are left"
