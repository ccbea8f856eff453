"""Draw the board of a scenario: how its nights ended, and what its channels serve since when.

    python jobs/draw_board.py --scenario short_video --runs URI --store s3://models --output URI

`--runs` is the folder that holds the scenario's runs, of which the newest are told, refused and
skipped ones too. What a store serves is read as a service reads it, by SECATEUR_VERIFY_KEY; where
it cannot be read the page says so. The page is one HTML file that needs nothing else.
"""

from datetime import UTC, datetime

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.releases.catalogue import served_in
from secateur.releases.layout import snapshots_uri
from secateur.report.board.board_page import render_board
from secateur.report.board.past_nights import past_nights
from secateur.storage import join

MOST_NIGHTS = 60


def draw_board(job: Job) -> None:
    """Read nights and stores, seal the page."""
    models = join(job.flag("store"), job.scenario.name)
    served = served_in([models, snapshots_uri(models)])
    nights = past_nights(job.flag("runs"), MOST_NIGHTS)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    with job.create("Board") as draft:
        page = render_board(job.scenario.title, nights, served, now)
        (draft.folder / artifact_files.PAGE).write_text(page, encoding="utf-8")
        job.seal(draft, {"nights": len(nights), "channels": len(served.channels)})


if __name__ == "__main__":
    command.run(draw_board, __doc__, inputs=("runs", "store"))
