"""The places where a verb runs: a process here, by `spark-submit`, or a pod of Kubernetes."""
