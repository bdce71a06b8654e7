#!/bin/sh
# Installs the real servers and the browser that the tests drive, where that is possible: on Debian, as root.
# Elsewhere it says what is missing; the tests that need it then skip, and say so too.
set -eu
missing=""
need() { # need PACKAGE PROGRAM
	PATH="$PATH:/usr/sbin" command -v "$2" >/dev/null 2>&1 || missing="$missing $1"
}
need mosquitto mosquitto
need mosquitto-clients mosquitto_sub
need chromium chromium
need nginx-light nginx
need influxdb influxd
[ -e /usr/lib/nginx/modules/ngx_stream_module.so ] || missing="$missing libnginx-mod-stream"

# Grafana's own types and browser code, against which the dashboards are checked.
types="$(dirname "$0")/dashboards"
if [ "$types/node_modules/.package-lock.json" -nt "$types/package.json" ]; then
	:
elif command -v npm >/dev/null 2>&1; then
	echo "Installing Grafana's types and code for the tests"
	npm install --prefix "$types" --no-audit --no-fund --no-package-lock --silent ||
		echo "npm could not install them; the tests that need them are skipped."
else
	echo "Not installed (needs npm): Grafana's types and code; the tests that need them are skipped."
fi

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "Installing for the tests:$missing"
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >/dev/null || true
	# shellcheck disable=SC2086
	apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
	echo "apt-get could not install:$missing"
else
	echo "Not installed (needs root on Debian):$missing"
fi
echo "Tests that need them are skipped."
