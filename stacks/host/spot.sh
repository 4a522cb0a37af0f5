#!/usr/bin/env bash
# Says "down" when AWS is about to take the instance back, two minutes before it does.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
until metadata spot/instance-action >/dev/null 2>&1; do sleep 5; done
exec "$ROOT/opt/autoir/state.sh" down
