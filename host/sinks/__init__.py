"""Where results go: the durable store, the raw recording, MQTT, InfluxDB."""
