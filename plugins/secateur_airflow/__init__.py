"""How Airflow runs Secateur's verbs: tasks, places, alerts and the report's page in the UI."""
