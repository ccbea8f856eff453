"""What others do to the CPUs is seen while latency is timed; what we do is not counted."""

import os
import subprocess
import sys
import time

import pytest

from secateur.judgement.scoring import machine_load
from secateur.judgement.scoring.machine_load import watch_load

CORES = os.cpu_count() or 1
SPIN = "while True: pass"


def test_another_process_is_seen() -> None:
    other = subprocess.Popen([sys.executable, "-c", SPIN])
    try:
        time.sleep(0.3)
        with watch_load() as load:
            time.sleep(1.0)
    finally:
        other.kill()
        other.wait()
    assert load.of_others is not None
    assert load.of_others > 0.3 / CORES


def test_our_own_work_is_no_load(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([(1000, 500), (1200, 620)])
    hertz = os.sysconf("SC_CLK_TCK")
    times = iter([(1.0, 0.0), (1.0 + 100 / hertz, 0.0)])
    monkeypatch.setattr(machine_load, "_ticks", lambda: next(ticks))
    monkeypatch.setattr("os.times", lambda: next(times))
    with watch_load() as load:
        pass
    assert load.of_others == pytest.approx(0.1)  # 120 of 200 ticks were busy, 100 of them ours


def test_where_nothing_is_told_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_load, "_ticks", lambda: None)
    with watch_load() as load:
        pass
    assert load.of_others is None
