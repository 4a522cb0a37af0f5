#!/usr/bin/env bash
# Run every minute: sets the group to no host when nobody has asked for IDLE_STOP_MIN minutes. Busy is a request that
# is served or waits, or a token since the last look. A host that never became ready counts as idle too, after the
# time that filling and loading may take: it costs the same.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
now=$(date +%s)
last=$(cat "$RUN/busy" 2>/dev/null || true)
if [ -z "$last" ]; then
    echo $((now + 3600)) >"$RUN/busy"
    exit
fi
metrics=$(curl -fsS -m 5 -H "@$RUN/header" "http://$(metadata local-ipv4):$PORT/metrics" || true)
value() { awk -v name="llamacpp:$1" '$1 == name { value = $2 } END { print value + 0 }' <<<"$metrics"; }
tokens=$(value tokens_predicted_total)
if [ "$(value requests_processing)$(value requests_deferred)" != 00 ] ||
    [ "$tokens" != "$(cat "$RUN/tokens" 2>/dev/null || echo 0)" ]; then
    echo "$now" >"$RUN/busy"
    echo "$tokens" >"$RUN/tokens"
elif ((now - last >= IDLE_STOP_MIN * 60)); then
    "$ROOT/opt/autoir/state.sh" stopped
    aws autoscaling set-desired-capacity --region "$REGION" --auto-scaling-group-name "$GROUP" --desired-capacity 0
fi
