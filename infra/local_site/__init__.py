"""A whole site on one machine: keys, object store, Airflow and, for proofs, a Spark cluster."""
