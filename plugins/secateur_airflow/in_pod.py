"""A verb in a Kubernetes pod with a GPU: for sites whose accelerators are behind a cluster."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk.exceptions import AirflowFailException
from kubernetes.client import V1EnvFromSource, V1ResourceRequirements, V1SecretEnvSource

from secateur_airflow import settings
from secateur_airflow.verb import NO_RETRY, Verb

if TYPE_CHECKING:
    from airflow.sdk import Context

ANSWER = "/airflow/xcom/return.json"


class VerbInPod(KubernetesPodOperator):
    """Run a verb in the configured image; keys come from the secret named `secateur`."""

    template_fields: Sequence[str] = (
        *KubernetesPodOperator.template_fields,
        "inputs",
        "output_path",
    )

    def __init__(
        self,
        *,
        verb: Verb,
        inputs: Mapping[str, Any],
        output_path: Sequence[Any],
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(
            name=f"secateur-{verb.name.replace('_', '-')}",
            image=settings.read("gpu_image", "secateur:latest"),
            namespace=settings.read("gpu_namespace", "default"),
            cmds=["python", verb.script],
            env_vars={"SECATEUR_ANSWER": ANSWER},
            env_from=[V1EnvFromSource(secret_ref=V1SecretEnvSource(name="secateur"))],
            container_resources=V1ResourceRequirements(
                limits={"nvidia.com/gpu": settings.read("gpu_limit", "1")}
            ),
            do_xcom_push=True,
            **airflow_arguments,
        )
        self.verb = verb
        self.inputs = dict(inputs)
        self.output_path = list(output_path)

    def execute(self, context: "Context") -> object:
        """Run the pod and return the verb's answer."""
        self.arguments = self.verb.arguments(context, self.inputs, self.output_path)
        context["ti"].xcom_push("uri", self.arguments[-1])
        return super().execute(context)

    def cleanup(self, pod: Any, remote_pod: Any, *rest: Any, **named: Any) -> None:  # noqa: ANN401
        """Let a refusal fail without retry; everything else as the provider does."""
        code = exit_code(remote_pod, self.base_container_name)
        if code in NO_RETRY:
            raise AirflowFailException(f"{self.verb.name} {NO_RETRY[code]} (exit {code})")
        super().cleanup(pod, remote_pod, *rest, **named)


def exit_code(pod: Any, container: str) -> int:  # noqa: ANN401 - the client's own type
    """Exit code of a pod's container, 0 while it has none."""
    statuses = (pod.status.container_statuses if pod and pod.status else None) or []
    ended = [s.state.terminated for s in statuses if s.name == container and s.state.terminated]
    return int(ended[0].exit_code) if ended else 0
