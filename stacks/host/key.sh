#!/usr/bin/env bash
# Puts the server's API key into a file that root alone reads, and beside it the header for our own requests: a key in
# an argument would stand in every list of processes.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
umask 077
key=$(aws secretsmanager get-secret-value --region "$REGION" --secret-id "$KEY_SECRET" --query SecretString --output text)
if [ -z "$key" ]; then echo "the API key is empty" >&2; exit 1; fi
printf '%s\n' "$key" >"$RUN/key"
printf 'Authorization: Bearer %s\n' "$key" >"$RUN/header"
