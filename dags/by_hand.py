"""What a person does to releases and channels: a DAG each, with a form, that runs one verb.

Who triggered the run stands in the channel's history beside the reason. Where the form names no
channel, it is that of the scenario.
"""

from airflow.sdk import DAG, Param, dag

from secateur_airflow import settings
from secateur_airflow.night import Night, draw_board, every_task
from secateur_airflow.trigger_form import CHANNEL, scenario_of

SCENARIO = scenario_of(settings.scenarios())
MOVE = {
    "scenario": SCENARIO,
    "reason": Param(None, title="Reason, kept in the channel", type="string", minLength=3),
    "channel": CHANNEL,
}
RELEASE = Param(None, title="Release", type="integer", minimum=1)
STORE = {"store": settings.store()}
ASKED = STORE | {
    "reason": "{{ params.reason }}",
    "by": "{{ dag_run.triggering_user_name or 'airflow' }}",
}
THIS_ONE = {"release": "{{ params.release }}"}


def by_hand(verb: str, title: str, params: dict[str, Param], inputs: dict[str, str]) -> DAG:
    """Declare the DAG of one verb, whose flags are filled from the form; the board tells of it."""
    night = Night()

    @dag(
        dag_id=f"secateur_{verb}",
        description=title,
        schedule=None,
        max_active_runs=1,
        is_paused_upon_creation=False,
        params=params,
        tags=["secateur", "by hand"],
        default_args=every_task() | {"retries": 0},  # a person looks
        doc_md=__doc__,
    )
    def one_verb() -> None:
        done = night.task(verb, inputs)
        done >> draw_board(night, "{{ params.scenario }}")

    return one_verb()


DAGS = [
    by_hand(
        "roll_back",
        "Let a channel serve a release that it served before, and hold it there",
        MOVE | {"release": RELEASE},
        ASKED | THIS_ONE,
    ),
    by_hand(
        "republish_release",
        "Let a channel serve any signed release, such as one that was kept back",
        MOVE | {"release": RELEASE},
        ASKED | THIS_ONE,
    ),
    by_hand(
        "hold_channel",
        "Keep a channel where it is, pin it to a release, or let nights move it again",
        MOVE
        | {
            "release": Param(None, title="Pin to release", type=["null", "integer"], minimum=1),
            "resume": Param(False, title="Resume: let nights move it again", type="boolean"),
        },
        ASKED | {"release*": "{{ params.release }}", "resume?": "{{ params.resume }}"},
    ),
    by_hand(
        "sweep_releases",
        "Delete releases that are old and not served; it says first what would go",
        {
            "scenario": SCENARIO,
            "keep": Param(14, title="Newest releases to keep", type="integer", minimum=1),
            "grace_hours": Param(24, title="What is younger stays, hours", type="number"),
            "delete": Param(False, title="Delete: else it only says", type="boolean"),
        },
        STORE
        | {
            "keep": "{{ params.keep }}",
            "grace-hours": "{{ params.grace_hours }}",
            "delete?": "{{ params.delete }}",
        },
    ),
]
