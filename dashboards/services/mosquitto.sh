#!/bin/sh
# Makes the accounts of hamstream and Grafana from the environment, keeps those that club.sh added, starts the broker.
set -eu
passwords=${PASSWORDS:-/mosquitto/data/passwords}
touch "$passwords"
chmod 600 "$passwords"
mosquitto_passwd -b "$passwords" hamstream "$HAMSTREAM_MQTT_PASSWORD"
mosquitto_passwd -b "$passwords" grafana "$GRAFANA_MQTT_PASSWORD"
# The broker gives up root and must still be able to read it.
chown mosquitto:mosquitto "$passwords" 2>/dev/null || true
exec mosquitto -c "${CONFIG:-/mosquitto/config/mosquitto.conf}"
