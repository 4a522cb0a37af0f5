#!/usr/bin/env bash
# Says how the host is, in the parameter that the agent reads: state.sh WORD.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
aws ssm put-parameter --region "$REGION" --name "${PARAMETERS}state" --value "$1" --overwrite >/dev/null
