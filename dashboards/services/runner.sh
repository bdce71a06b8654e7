#!/bin/sh
# Coaches @RUNNER@ on this computer, seen on the club's wall.
set -eu
cd "$(dirname "$0")"
set -a
. ./secrets.env
set +a
exec hamstream --config config.toml run --runner "@RUNNER@" "$@"
