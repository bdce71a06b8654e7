"""The asyncio service: pods in, strides and cues out."""
