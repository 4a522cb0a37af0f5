#!/usr/bin/env bash
# Fills the place of the weights from the bucket. The manifest there is the truth: a line for each file, its SHA-256
# and its name. A file is taken under its name only once its sum is right; nothing else is ever served.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
source=s3://$WEIGHTS_BUCKET/$WEIGHTS_PREFIX

fetch() {
    local sum=$1 name=$2
    if [ -f "$WEIGHTS/$name" ]; then return 0; fi
    aws s3 cp --region "$REGION" --only-show-errors "$source$name" "$WEIGHTS/$name.part"
    if ! echo "$sum  $WEIGHTS/$name.part" | sha256sum --check --status; then
        rm -f "$WEIGHTS/$name.part"
        echo "$name: its SHA-256 is not that of the manifest" >&2
        return 1
    fi
    mv "$WEIGHTS/$name.part" "$WEIGHTS/$name"
}

if [ $# = 2 ]; then
    fetch "$1" "$2"
    exit
fi
"$ROOT/opt/autoir/state.sh" filling
aws configure set default.s3.max_concurrent_requests 32
aws s3 cp --region "$REGION" --only-show-errors "${source}manifest.sha256" "$RUN/manifest.sha256"
if ! [ -s "$RUN/manifest.sha256" ] ||
    grep -Evq '^[0-9a-f]{64}  ([A-Za-z0-9][A-Za-z0-9._-]*\.gguf|chat_template\.jinja)$' "$RUN/manifest.sha256"; then
    echo "manifest.sha256: not a list of SHA-256 sums and names" >&2
    exit 1
fi
xargs -P 4 -L 1 "$0" <"$RUN/manifest.sha256"
