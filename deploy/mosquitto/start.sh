#!/bin/sh
# Runs Mosquitto in the container: makes the accounts of the gateway and the monitor, adds the TLS listener
# when a certificate is mounted, and has the broker read its passwords, rights and certificates again
# whenever one of these files changes (`threshold hub enrol` and `hub revoke` write the password file).
# A revoked hub that is connected is cut off by that.
set -eu

root=${MOSQUITTO_ROOT:-/mosquitto}
passwords=$root/passwords/passwords
owner=${MOSQUITTO_USER:-mosquitto}

mkdir -p "$root/passwords" "$root/conf.d" "$root/data"

broker_owns() {
    # The service runs under the same number (Dockerfile), so it can write what the broker reads.
    chown "$owner:$owner" "$root/passwords" "$passwords"
    chmod 0700 "$root/passwords"
    chmod 0600 "$passwords"
}

account() {
    if [ -z "$2" ]; then
        echo "start.sh: no password is set for $1" >&2
        exit 1
    fi
    mosquitto_passwd -b "$passwords" "$1" "$2"
}

[ -e "$passwords" ] || (umask 077 && : >"$passwords")
account threshold-gateway "${THRESHOLD_GATEWAY_PASSWORD:-}"
account threshold-monitor "${THRESHOLD_MONITOR_PASSWORD:-}"
broker_owns

if [ -e "$root/certs/server.crt" ]; then
    cp "$root/config/tls.conf" "$root/conf.d/tls.conf"
else
    rm -f "$root/conf.d/tls.conf"
    echo "start.sh: no certificate in $root/certs, so homes outside this network cannot connect"
fi
chown -R "$owner:$owner" "$root/data"

state() {
    cksum "$passwords" "$root/config/acl" "$root/certs/server.crt" "$root/certs/server.key" 2>/dev/null || :
}

known=$(state)
mosquitto -c "$root/config/mosquitto.conf" &
broker=$!
trap 'kill -TERM "$broker"; wait "$broker"; exit $?' TERM INT

while kill -0 "$broker" 2>/dev/null; do
    sleep 2 &
    wait $! || :
    now=$(state)
    if [ "$now" != "$known" ]; then
        known=$now
        broker_owns
        kill -HUP "$broker"
    fi
done
wait "$broker"
