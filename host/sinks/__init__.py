"""Where results go: the durable store, the raw recording, the MQTT broker.

Called by session.py and service.py. The stream never waits for a sink: what it hands over is queued, written
elsewhere, and tried again when a disk or a broker does not take it.
"""
