"""Write one self-contained HTML page of everything that a night sealed, however it ended.

    python jobs/report_night.py --scenario short_video --run URI --output URI

`--run` is the night's folder. A part that was not sealed is said to be missing. In `--state` the
night's fence is taken away, which keeps others out.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.report.night_artifacts import read_night
from secateur.report.page import render
from secateur.report.story import headline
from secateur.storage import open_store
from secateur.storage.lease import give_up


def report_night(job: Job) -> None:
    """Read the run's folder and seal the page."""
    if job.arguments.get("state"):
        give_up(open_store(job.flag("state")), artifact_files.FENCE, job.flag("run"))
    night = read_night(job.flag("run"))
    for path, manifest in night.artifacts.items():
        job.note(path, manifest.digest)
    with job.create("Report") as draft:
        page = render(night, job.scenario.title)
        (draft.folder / artifact_files.PAGE).write_text(page, encoding="utf-8")
        job.seal(draft, {"sealed": len(night.artifacts), "unreadable": sorted(night.unreadable)})
    ending = headline(night)
    told = {"status": ending.status, "sentence": ending.sentence}
    job.answer({"uri": job.output_uri(), **told})


if __name__ == "__main__":
    command.run(report_night, __doc__, inputs=("run",), options=("state",))
