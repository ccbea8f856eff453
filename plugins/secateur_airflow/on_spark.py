"""A verb by `spark-submit`: for sites whose Spark is a cluster.

Client deploy mode, so that the verb's exit code comes back; the cluster reads and writes the
run's folder under the same URI, so `[secateur] runs` names a shared file system.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowException

from secateur_airflow import settings
from secateur_airflow.verb import Verb, raise_for_exit

if TYPE_CHECKING:
    from airflow.sdk import Context

EXIT_CODE = re.compile(r"Error code is: (\d+)")


class VerbOnSpark(SparkSubmitOperator):
    """Submit a verb to the cluster of the configured Spark connection."""

    template_fields: Sequence[str] = (*SparkSubmitOperator.template_fields, "inputs", "output_path")

    def __init__(
        self,
        *,
        verb: Verb,
        inputs: Mapping[str, Any],
        output_path: Sequence[Any],
        **airflow_arguments: Any,  # noqa: ANN401 - BaseOperator's own
    ) -> None:
        super().__init__(
            application=verb.script,
            conn_id=settings.read("spark_conn_id", "spark_default"),
            name=f"secateur-{verb.name}",
            **airflow_arguments,
        )
        self.verb = verb
        self.inputs = dict(inputs)
        self.output_path = list(output_path)

    def execute(self, context: "Context") -> object:
        """Submit, wait, and return the output's URI."""
        self.application_args = self.verb.arguments(context, self.inputs, self.output_path)
        uri = self.application_args[-1]
        context["ti"].xcom_push("uri", uri)
        try:
            super().execute(context)
        except AirflowException as error:
            code = EXIT_CODE.search(str(error))
            raise_for_exit(self.verb.name, int(code.group(1)) if code else 1, str(error))
        return uri
