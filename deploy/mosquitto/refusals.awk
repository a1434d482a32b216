# Reads Mosquitto's log. What a person should see goes on to the container's log; what a client tried that is not
# its own goes to `sink`, one line each: what, who, topic. All else that `log_type debug` says ends here.
function tell(what, topic) {
    printf "%s\t%s\t%s\n", what, who, topic | sink
    fflush(sink)
}
function show() {
    print
    fflush()
}
{ text = $0; sub(/^[0-9]+: /, "", text) }
text ~ /^Denied PUBLISH from / {
    who = text; sub(/^Denied PUBLISH from /, "", who); sub(/ \(d[0-9], q[0-9], r[0-9].*$/, "", who)
    topic = text; sub(/^[^']*'/, "", topic); sub(/', \.\.\. \([0-9]+ bytes\)\)$/, "", topic)
    tell("publish", topic)
    show()
    next
}
text ~ /^Received SUBSCRIBE from / {
    asking = "subscribe"
    who = text; sub(/^Received SUBSCRIBE from /, "", who)
    next
}
text ~ /^New client connected from / {
    asking = ""
    who = text; sub(/^.* as /, "", who); sub(/ \(p[0-9].*$/, "", who)
    show()
    next
}
text ~ /^Will message specified / { asking = "will"; next }
text ~ /^Received UNSUBSCRIBE / { asking = ""; next }
text ~ /^\t/ {
    topic = text; sub(/^\t/, "", topic); sub(/ \(QoS [0-9]\)$/, "", topic)
    if (asking != "" && who !~ /^threshold-/ && index(topic, root "/" who "/") != 1) tell(asking, topic)
    next
}
text ~ /^(Received|Sending|No will message)/ { next }
{ show() }
