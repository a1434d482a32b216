#!/bin/sh
# Runs Mosquitto in the container: makes the accounts of the service in the dynamic security plugin, adds the TLS
# listeners when their certificates are there, has the broker read certificates and revocations again when they
# change, and tells the service what the broker refused (docs/deploy.md).
set -eu

root=${MOSQUITTO_ROOT:-/mosquitto}
port=${MOSQUITTO_PORT:-1883}
owner=${MOSQUITTO_USER:-mosquitto}
topics=${THRESHOLD_MQTT__ROOT:-threshold/v1}
store=$root/data/dynamic-security.json
secrets=$root/secrets

for account in ADMIN GATEWAY MONITOR; do
    if [ -z "$(printenv "THRESHOLD_${account}_PASSWORD")" ]; then
        echo "start.sh: no password is set for threshold-$(echo $account | tr A-Z a-z)" >&2
        exit 1
    fi
done

mkdir -p "$root/conf.d" "$root/data" "$root/trust"
# The service runs under the same number (Dockerfile) and writes here; whoever mounts a new volume first owns it.
chown "$owner:$owner" "$root/trust"
chmod 0700 "$root/trust"
rm -f "$root/conf.d/"*.conf
cp "$root/config/dynamic.conf" "$root/conf.d/"
[ "${THRESHOLD_WATCH_REFUSALS:-yes}" = no ] || cp "$root/config/refusals.conf" "$root/conf.d/"
if [ -e "$root/certs/server.crt" ]; then
    cp "$root/config/tls.conf" "$root/conf.d/"
else
    echo "start.sh: no certificate in $root/certs, so homes outside this network cannot connect" >&2
fi
if [ -e "$root/certs/server.crt" ] && [ -e "$root/trust/crl.pem" ]; then
    cp "$root/config/certificates.conf" "$root/conf.d/"
fi
# It asks for the password twice.
[ -e "$store" ] || printf '%s\n%s\n' "$THRESHOLD_ADMIN_PASSWORD" "$THRESHOLD_ADMIN_PASSWORD" |
    mosquitto_ctrl dynsec init "$store" threshold-admin >/dev/null
chown -R "$owner:$owner" "$root/data"

# A command line can be read by every process of the machine; these files, outside the volumes, by us alone. Their
# lines are options of Mosquitto's tools, which look for them in XDG_CONFIG_HOME.
keep() {
    mkdir -p "$secrets/$2"
    printf -- '-h 127.0.0.1\n-p %s\n-u threshold-%s\n-P %s\n' "$port" "$2" "$3" >"$secrets/$2/$1"
}
rm -rf "$secrets"
(
    umask 077
    keep mosquitto_pub admin "$THRESHOLD_ADMIN_PASSWORD"
    keep mosquitto_pub watch "$THRESHOLD_MONITOR_PASSWORD"
    keep mosquitto_sub health "$THRESHOLD_MONITOR_PASSWORD"
)
trap 'rm -rf "$secrets"' EXIT

# With a pipe in between, so that the log can be read while it is written.
rm -f "$root/data/log"
mkfifo "$root/data/log"
chown "$owner" "$root/data/log"
refusals="while :; do XDG_CONFIG_HOME='$secrets/watch' mosquitto_pub -q 1 -l -t ${topics%%/*}/broker/refusals \
 2>/dev/null && exit; sleep 1; done"
# Debian's awk would wait for a full buffer.
case $(awk -W version 2>&1 </dev/null || :) in
    *mawk*) line_by_line="-W interactive" ;;
    *) line_by_line= ;;
esac
awk $line_by_line -v root="$topics" -v sink="$refusals" -f "$root/config/refusals.awk" <"$root/data/log" >&2 &
mosquitto -c "$root/config/mosquitto.conf" 2>"$root/data/log" &
broker=$!
trap 'kill -TERM "$broker"; wait "$broker"; exit $?' TERM INT

# JSON for the plugin: texts, rights, and an account with a role of its own name. What is there already stays, and
# the password becomes that of the environment.
text() {
    printf '"%s"' "$(printf %s "$1" | sed 's/[\\"]/\\&/g')"
}
right() {
    printf '{"acltype": %s, "topic": %s, "priority": 0, "allow": true}' "$(text "$1")" "$(text "$2")"
}
account() {
    name=$(text "$1") password=$(text "$2") rights=$3
    printf '{"command": "createRole", "rolename": %s},' "$name"
    printf '{"command": "modifyRole", "rolename": %s, "acls": [%s]},' "$name" "$rights"
    printf '{"command": "createClient", "username": %s, "password": %s},' "$name" "$password"
    printf '{"command": "modifyClient", "username": %s, "password": %s, "roles": [{"rolename": %s}]},' \
        "$name" "$password" "$name"
}
accounts() {
    printf '{"commands": ['
    account threshold-gateway "$THRESHOLD_GATEWAY_PASSWORD" \
        "$(right subscribePattern '#'),$(right publishClientReceive '#'),$(right publishClientReceive '$SYS/#'),
         $(right publishClientSend "$topics/+/receipts"),$(right publishClientSend "$topics/+/commands")"
    # The service's test presses are those of a home (docs/watching.md).
    account threshold-monitor "$THRESHOLD_MONITOR_PASSWORD" \
        "$(right subscribePattern '$SYS/#'),$(right publishClientReceive '$SYS/#'),
         $(right publishClientSend "$topics/threshold-monitor/events"),
         $(right subscribePattern "$topics/threshold-monitor/receipts"),
         $(right publishClientReceive "$topics/threshold-monitor/receipts")"
    # Not the same account: of two connections under one name the broker ends the older.
    account threshold-health "$THRESHOLD_MONITOR_PASSWORD" \
        "$(right subscribePattern '$SYS/#'),$(right publishClientReceive '$SYS/#')"
    account threshold-watch "$THRESHOLD_MONITOR_PASSWORD" \
        "$(right publishClientSend "${topics%%/*}/broker/refusals")"
    printf '{"command": "setDefaultACLAccess", "acls": ['
    for kind in publishClientSend publishClientReceive subscribe; do
        printf '{"acltype": "%s", "allow": false},' $kind
    done
    printf '{"acltype": "unsubscribe", "allow": true}]}]}'
}
ask() {
    XDG_CONFIG_HOME=$secrets/admin mosquitto_pub -q 1 -t '$CONTROL/dynamic-security/v1' -s 2>/dev/null
}

waited=0
until accounts | ask; do
    waited=$((waited + 1))
    if [ $waited -gt 50 ] || ! kill -0 "$broker" 2>/dev/null; then
        echo "start.sh: the administrator cannot sign in; is THRESHOLD_ADMIN_PASSWORD the first one it had?" >&2
        break
    fi
    sleep 0.2
done
# By itself: a change of its own rights ends the administrator's connection.
printf '{"commands": [{"command": "addRoleACL", "rolename": "admin", "acltype": "publishClientSend",
    "topic": %s, "priority": 0, "allow": true}]}' "$(text "$topics/+/commands")" | ask || :
echo "start.sh: the service's accounts are made" >&2

state() {
    cksum "$root/certs/server.crt" "$root/certs/server.key" "$root/trust/ca.crt" "$root/trust/crl.pem" 2>/dev/null || :
}

known=$(state)
while kill -0 "$broker" 2>/dev/null; do
    sleep 2 &
    wait $! || :
    now=$(state)
    if [ "$now" != "$known" ]; then
        known=$now
        if [ -e "$root/trust/crl.pem" ] && [ -e "$root/certs/server.crt" ] && [ ! -e "$root/conf.d/certificates.conf" ]; then
            # A listener cannot be added while the broker runs: the container starts anew.
            echo "start.sh: starting again, with the listener for certificates" >&2
            kill -TERM "$broker"
            wait "$broker" || :
            exec sh "$0"
        fi
        kill -HUP "$broker"
    fi
done
wait "$broker"
