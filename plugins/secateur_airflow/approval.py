"""A person's word before a channel moves, asked for in Airflow and kept in the release."""

import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, XComArg
from airflow.sdk.exceptions import AirflowFailException

from secateur_airflow.shared_files import SharedFile
from secateur_airflow.signals.alerts import AskForWord

if TYPE_CHECKING:
    from airflow.sdk import Context

APPROVE, REJECT = "Approve", "Reject"
REASON = Param("", title="Why: it stays with the release", type="string", maxLength=500)

log = logging.getLogger(__name__)


class Approval(HITLOperator):
    """Ask whether what `verdict` chose may go out; silence for `hours` is a no.

    The answer is a JSON text: who said yes, when and why. Raises AirflowFailException on a no,
    which is not asked again.
    """

    template_fields: Sequence[str] = (*HITLOperator.template_fields, "verdict")

    def __init__(
        self,
        *,
        verdict: Any,  # noqa: ANN401 - the XCom of its URI
        hours: float,
        approvers: Sequence[str] = (),
        target: str = "",
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(
            options=[APPROVE, REJECT],
            defaults=REJECT,
            response_timeout=timedelta(hours=hours),
            assigned_users=[{"id": name, "name": name} for name in approvers] or None,
            notifiers=[AskForWord()],
            **airflow_arguments,
        )
        self.verdict = verdict
        self.hours = hours
        self.inputs = {"target": target} if target else {}  # an alert tells that channel

    def execute(self, context: "Context") -> None:
        """Ask, and say what the gate found."""
        self.body = found_by_gate(str(self.verdict))
        super().execute(context)

    def execute_complete(self, context: "Context", event: dict[str, Any]) -> str:
        """Return what the person said. Raises AirflowFailException on a no."""
        said = super().execute_complete(context, event)
        by, reason = (
            (said["responded_by_user"] or {}).get("name"),
            said["params_input"].get("reason"),
        )
        if said["chosen_options"] == [APPROVE] and by:
            at = said["responded_at"].isoformat(timespec="seconds")
            return json.dumps({"by": by, "at": at, "reason": reason or ""}, sort_keys=True)
        who = f"{by} said no" if by else f"nobody answered within {self.hours:g} hours"
        why = f": {reason}" if reason else ""
        raise AirflowFailException(f"{self.task_id} refused (exit 65): {who}{why}")


class Question(NamedTuple):
    """What people are asked, for how long, and who may answer: anybody where it names none."""

    text: str
    hours: float
    approvers: Sequence[str] = ()


def ask(task_id: str, question: Question, verdict: Any, target: str = "") -> XComArg:  # noqa: ANN401
    """The answer to a question about a verdict, whose URI this is."""
    return XComArg(
        Approval(
            task_id=task_id,
            subject=question.text,
            params={"reason": REASON},  # given here, where Airflow adds the run's own to them
            verdict=verdict,
            hours=question.hours,
            approvers=question.approvers,
            target=target,
        )
    )


def ask_approval(scenario: dict[str, Any], verdict: Any, target: str = "") -> XComArg | None:  # noqa: ANN401
    """The approval that a scenario wants before it publishes; None where it wants none."""
    rules = scenario.get("release", {})
    if "approval_hours" not in rules:
        return None
    channel = f"{rules.get('channel', 'latest')}{'_' if target else ''}{target}"
    text = f"{scenario['title']}: may tonight's release go out on channel {channel}?"
    question = Question(text, rules["approval_hours"], rules.get("approvers", ()))
    return ask(f"approve_{target or 'release'}", question, verdict, target)


def found_by_gate(verdict: str) -> str:
    """What the sealed verdict says, in words; where it lies, if it cannot be read here."""
    try:
        read = json.loads(SharedFile(verdict).below("verdict.json").read())
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read here: %s", verdict, error)
        return f"The verdict lies at {verdict}."
    if not read["accepted"]:
        return f"The gate refused: {read['reason']}"
    return f"**{read['chosen']}**, package {read['package'][:12]}. {read['reason']}"
