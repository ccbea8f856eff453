"""Airflow's own task logs, where they lie on this machine: old ones are deleted."""

import time
from pathlib import Path

from airflow.sdk import conf

SECONDS_A_DAY = 24 * 3600


def sweep_task_logs(keep_days: float, delete: bool) -> dict[str, int]:
    """Delete logs not written to for so many days, and the folders that are empty then.

    Returns how many files and bytes went, or would go.
    """
    root = Path(str(conf.get("logging", "base_log_folder")))
    before = time.time() - keep_days * SECONDS_A_DAY
    logs = [path for path in root.rglob("*.log") if path.is_file() and not path.is_symlink()]
    old = [path for path in logs if path.stat().st_mtime < before]
    told = {"files": len(old), "bytes": sum(path.stat().st_size for path in old)}
    if delete:
        for path in old:
            path.unlink(missing_ok=True)
        for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
            if not any(folder.iterdir()):
                folder.rmdir()
    return told
