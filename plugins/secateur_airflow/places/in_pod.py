"""A verb in a pod of Kubernetes, by a template that says all but what runs in it.

The template is the site's: image, resources, tolerations, volumes, the secrets of every verb. What
this module adds to it are the verb's command line, where it leaves its answer, and the keys that
only some verbs may have.
"""

import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowException, AirflowTaskTimeout
from kubernetes.client import ApiException, V1EnvVar, V1EnvVarSource, V1SecretKeySelector

from secateur_airflow import settings
from secateur_airflow.places.last_words import NOTHING, last_error, last_words
from secateur_airflow.places.verb_task import TEMPLATE_FIELDS, VerbTask
from secateur_airflow.verb import keys_of

if TYPE_CHECKING:
    from airflow.sdk import Context

ANSWER = "/airflow/xcom/return.json"


class VerbInPod(VerbTask, KubernetesPodOperator):
    """Run a verb in a pod made from `template`, the path of a YAML file with a Pod.

    A worker that is lost while the pod runs costs nothing: the next try follows the same pod.
    """

    template_fields: Sequence[str] = (*KubernetesPodOperator.template_fields, *TEMPLATE_FIELDS)

    def __init__(self, *, template: str, **airflow_arguments: Any) -> None:  # noqa: ANN401 - VerbTask's
        verb = airflow_arguments["verb"]
        super().__init__(
            name=f"secateur-{verb.name.replace('_', '-')}",
            pod_template_file=template,
            cmds=["python", verb.script(settings.jobs_in_pods())],
            env_vars=variables(verb.name),
            startup_timeout_seconds=settings.pod_start_seconds(),
            termination_message_policy="FallbackToLogsOnError",
            log_events_on_failure=True,
            log_pod_spec_on_failure=False,
            deferrable=False,  # the answer and the last words are read where the pod is followed
            do_xcom_push=True,
            **airflow_arguments,
        )
        self._error = list(NOTHING)

    def read_line(self, _container: str, text: str) -> str:
        """Read one entry of the pod's log, which may be several lines; Airflow logs it as it is."""
        for line in text.splitlines():
            self._error = last_error(self._error, line.rstrip())
        return text

    def execute(self, context: "Context") -> object:
        """Run the pod and return the verb's answer."""
        self.arguments = self.begin(context, settings.scenarios_in_pods())
        self.log_formatter = self.read_line  # here: Airflow executes a copy of what it parsed
        return self.finish(context, super().execute(context))

    def cleanup(
        self,
        pod: Any,  # noqa: ANN401 - the client's own types
        remote_pod: Any,  # noqa: ANN401
        xcom_result: Any = None,  # noqa: ANN401
        context: "Context | None" = None,
    ) -> None:
        """Clean up as the provider does, then end the task as the verb's exit code asks."""
        on_the_way = sys.exception()  # a time-out, say, or an image that cannot be pulled
        ended = self.read_again(remote_pod)
        try:
            super().cleanup(pod, ended, xcom_result, context)
        except AirflowException:
            if isinstance(on_the_way, AirflowTaskTimeout):
                return
            if fate := fate_of(ended, self.base_container_name):
                raise AirflowException(f"{self.verb.name} crashed: its pod was {fate}") from None
            code = exit_code(ended, self.base_container_name)
            if code and context:
                self.end(context, code, self.error_of(ended))
            if on_the_way is None:
                raise

    def read_again(self, pod: Any) -> Any:  # noqa: ANN401 - the client's own type
        """The pod as it is by now: after a failure the provider holds an older state of it."""
        with suppress(ApiException):
            return self.pod_manager.read_pod(pod) if pod else pod
        return pod

    def error_of(self, pod: Any) -> str:  # noqa: ANN401 - the client's own type
        """The last error of the log, or of the part of it that Kubernetes keeps."""
        if self._error != list(NOTHING):
            return "\n".join(self._error)
        state = state_of(pod, self.base_container_name)
        return last_words((state.terminated.message or "").splitlines())


def variables(verb: str) -> list[V1EnvVar]:
    """The variables of a pod that its template does not have; keys are taken from a secret."""
    secret = settings.keys_secret()
    return [
        V1EnvVar(name="SECATEUR_ANSWER", value=ANSWER),
        V1EnvVar(name="PYTHONUNBUFFERED", value="1"),
        *(
            V1EnvVar(
                name=key,
                value_from=V1EnvVarSource(secret_key_ref=V1SecretKeySelector(name=secret, key=key)),
            )
            for key in keys_of(verb)
        ),
    ]


def state_of(pod: Any, container: str) -> Any:  # noqa: ANN401 - the client's own types
    """The state of a pod's container; None while Kubernetes tells none."""
    statuses = (pod.status.container_statuses if pod and pod.status else None) or []
    return next((status.state for status in statuses if status.name == container), None)


def exit_code(pod: Any, container: str) -> int:  # noqa: ANN401 - the client's own type
    """Exit code of a pod's container, 0 while it has none."""
    state = state_of(pod, container)
    return int(state.terminated.exit_code) if state and state.terminated else 0


def fate_of(pod: Any, container: str) -> str:  # noqa: ANN401 - the client's own type
    """What became of a pod whatever its verb did: evicted, say, or never started; else empty."""
    if pod and pod.status and pod.status.reason:
        return f"{pod.status.reason}: {pod.status.message}"
    state = state_of(pod, container)
    waits = state.waiting if state else None
    return f"not started ({waits.reason}: {waits.message})" if waits else ""
