"""Old task logs go, with the folders that they leave empty."""

import os
from pathlib import Path

import pytest

from secateur_airflow.log_sweep import sweep_task_logs


def test_old_task_logs_go_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    for name in ("old/attempt=1.log", "new/attempt=1.log", "old/notes.txt", "gone/x/attempt=1.log"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("line")
    for name in ("old/attempt=1.log", "gone/x/attempt=1.log", "old/notes.txt"):
        os.utime(tmp_path / name, (1, 1))
    assert sweep_task_logs(30, delete=False) == {"files": 2, "bytes": 8}
    assert (tmp_path / "old" / "attempt=1.log").exists()
    assert sweep_task_logs(30, delete=True) == {"files": 2, "bytes": 8}
    left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))
    assert left == ["new", "new/attempt=1.log", "old", "old/notes.txt"]
