"""Single sensor streams, validated and watched for anomalies: simulated sensors, NAB."""
