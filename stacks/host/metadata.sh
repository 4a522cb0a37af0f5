# shellcheck shell=bash
# Sourced by the other parts: the stage's values, and the instance's own data (IMDSv2).
export ROOT=${AUTOIR_ROOT:-}
# shellcheck source=/dev/null
. "$ROOT/etc/autoir/host.env"
export WEIGHTS=$ROOT/var/lib/autoir/weights RUN=$ROOT/run/autoir
IMDS=http://169.254.169.254/latest

metadata() {
    local token
    token=$(curl -fsS -m 5 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$IMDS/api/token") || return
    curl -fsS -m 5 -H "X-aws-ec2-metadata-token: $token" "$IMDS/meta-data/$1"
}
