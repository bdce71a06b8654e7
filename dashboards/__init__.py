"""Grafana dashboards as code: `python -m dashboards` writes the committed JSON (`make dashboards`).

Needs grafana-foundation-sdk, which comes with the `test` extra; running hamstream does not. Queries are InfluxQL
alone: the one language that InfluxDB 1.8, 2.x and 3 answer. README.md tells how they come into a Grafana.
"""
