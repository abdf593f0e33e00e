"""What a run stands on: settings, connections to the servers, Prefect tasks, MLflow runs."""
