#!/bin/sh
# Passwords, certificates and accounts for compose.yaml. docs/club.md tells when to use what.
#   ./club.sh secrets             .env with fresh random passwords, once
#   ./club.sh open NAME [NAME...]  the network's gateway with TLS; NAME: this computer's name or address in the network
#   ./club.sh runner NAME         an account for one more runner, as a folder to copy to that runner's computer
set -eu
cd "$(dirname "$0")"
umask 077

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
random() { openssl rand -hex 24; }
compose() { docker compose --profile club "$@"; }

setting() { # setting NAME VALUE: replaces a line of .env
	sed "s|^$1=.*|$1=$2|" .env >.env.new && mv .env.new .env
}

make_secrets() {
	[ ! -e .env ] || fail ".env is there already and stays as it is; move it away to make new passwords"
	while IFS= read -r line; do
		case $line in
		\#* | "") printf '%s\n' "$line" ;;
		*=) printf '%s%s\n' "$line" "$(random)" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done <.env.example >.env
	say "Wrote .env. Grafana: user admin, password behind GRAFANA_PASSWORD."
}

certificate() { # certificate NAME...: an authority of the club's own, kept, and a server certificate that it signs
	mkdir -p club
	alternatives=""
	for name in "$@"; do
		case $name in
		*[!0-9.:a-fA-F]*) kind=DNS ;; # a name has letters beyond those of an IPv6 address
		*[.:]*) kind=IP ;;
		*) kind=DNS ;;
		esac
		alternatives="$alternatives${alternatives:+,}$kind:$name"
	done
	cat >club/openssl.cnf <<-CONFIG
		[req]
		prompt = no
		distinguished_name = subject
		[subject]
		CN = hamstream club
		[authority]
		basicConstraints = critical, CA:TRUE, pathlen:0
		keyUsage = critical, keyCertSign, cRLSign
		subjectKeyIdentifier = hash
		[server]
		basicConstraints = critical, CA:FALSE
		extendedKeyUsage = serverAuth
		authorityKeyIdentifier = keyid
		subjectAltName = $alternatives
	CONFIG
	key="ec -pkeyopt ec_paramgen_curve:prime256v1"
	# shellcheck disable=SC2086
	[ -e club/ca.pem ] || openssl req -x509 -newkey $key -nodes -days 3650 -config club/openssl.cnf \
		-extensions authority -keyout club/ca.key -out club/ca.pem 2>/dev/null
	# shellcheck disable=SC2086
	openssl req -newkey $key -nodes -config club/openssl.cnf -keyout club/server.key -out club/server.csr 2>/dev/null
	openssl x509 -req -in club/server.csr -days 825 -CA club/ca.pem -CAkey club/ca.key -CAcreateserial \
		-extfile club/openssl.cnf -extensions server -out club/server.pem 2>/dev/null
	rm -f club/server.csr club/openssl.cnf
}

open_club() {
	[ $# -gt 0 ] || fail "usage: ./club.sh open NAME [NAME...]; NAME is what others call this computer, as hall.local or 192.168.1.20"
	[ -e .env ] || make_secrets
	certificate "$@"
	printf '%s\n' "$1" >club/name
	setting GRAFANA_URL "https://$1/"
	setting GRAFANA_ORIGIN "https://$1"
	compose up -d --force-recreate grafana gateway
	say "The wall: https://$1/ (browsers trust it once club/ca.pem is among their authorities)."
}

add_runner() {
	case ${1-} in
	"" | *[!A-Za-z0-9_.-]* | .* | hamstream | grafana) fail "usage: ./club.sh runner NAME; letters, digits, . _ - only" ;;
	esac
	[ -e club/name ] || fail "the club is not open yet: ./club.sh open NAME comes first"
	host=$(cat club/name)
	password=$(random)
	bucket=$(compose exec -T influxdb influx bucket list --name hamstream --json | sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$bucket" ] || fail "InfluxDB does not answer; is everything up? docker compose --profile club ps"
	token=$(compose exec -T influxdb influx auth create --org hamstream --write-bucket "$bucket" \
		--description "runner $1" --json | sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
	[ -n "$token" ] || fail "InfluxDB made no token for $1"
	compose exec -T --user mosquitto mosquitto mosquitto_passwd -b /mosquitto/data/passwords "$1" "$password"
	compose kill -s HUP mosquitto # reads its accounts again, nobody is disconnected

	folder=club/runners/$1
	mkdir -p "$folder"
	cp club/ca.pem "$folder/ca.pem"
	sed "s|@RUNNER@|$1|g; s|@HOST@|$host|g" services/runner.toml >"$folder/config.toml"
	printf 'HAMSTREAM_MQTT_PASSWORD=%s\nHAMSTREAM_INFLUX_TOKEN=%s\n' "$password" "$token" >"$folder/secrets.env"
	sed "s|@RUNNER@|$1|g" services/runner.sh >"$folder/run.sh"
	say "Copy $PWD/$folder to the computer of $1, and there: sh $1/run.sh"
}

command=${1-help}
[ $# -eq 0 ] || shift
case $command in
secrets) make_secrets ;;
open) open_club "$@" ;;
runner) add_runner "$@" ;;
*) sed -n '2,5s/^# *//p' club.sh ;;
esac
