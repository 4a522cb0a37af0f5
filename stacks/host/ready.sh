#!/usr/bin/env bash
# Says "ready", and where, once the server has answered with a token: it is healthy before it can.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
url=http://$(metadata local-ipv4):$PORT
until curl -fsS -m 5 -o /dev/null "$url/health"; do sleep 5; done
curl -fsS -m 300 -o /dev/null -H "@$RUN/header" -H 'Content-Type: application/json' \
    -d '{"model":"kimi-k2","max_tokens":1,"messages":[{"role":"user","content":"ping"}]}' "$url/v1/chat/completions"
aws ssm put-parameter --region "$REGION" --name "${PARAMETERS}url" --value "$url" --overwrite >/dev/null
date +%s >"$RUN/busy"
exec "$ROOT/opt/autoir/state.sh" ready
