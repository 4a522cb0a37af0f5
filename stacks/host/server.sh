#!/usr/bin/env bash
# Runs llama.cpp's server of the pinned image on the host's own address. The first shard names the others.
set -euo pipefail
# shellcheck source=metadata.sh
. "${AUTOIR_ROOT:-}/opt/autoir/metadata.sh"
address=$(metadata local-ipv4)
model=$(find "$WEIGHTS" -maxdepth 1 -name '*.gguf' | sort | head -n 1)
if [ -z "$model" ]; then echo "no weights in $WEIGHTS" >&2; exit 1; fi
template=()
if [ -f "$WEIGHTS/chat_template.jinja" ]; then template=(--chat-template-file /weights/chat_template.jinja); fi
read -ra where <<<"$EXPERTS"
# One that was told to stop while it loaded may have outlived its client: it holds the name, the port and the cards.
docker rm --force autoir-llm >/dev/null 2>&1 || true
exec docker run --rm --name autoir-llm --gpus all --network host --read-only --tmpfs /tmp --ulimit memlock=-1 \
    --volume "$WEIGHTS:/weights:ro" --volume "$RUN/key:/run/key:ro" "$IMAGE" \
    --model "/weights/${model##*/}" --alias kimi-k2 --host "$address" --port "$PORT" --api-key-file /run/key \
    -c 32768 -np 1 -ngl 99 "${where[@]}" -fa on -ub 2048 -b 4096 --mlock --metrics --no-webui --jinja \
    --cache-ram 8192 --timeout 900 "${template[@]}"
