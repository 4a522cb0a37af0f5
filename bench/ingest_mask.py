"""Redaction, masking and ids without the rest of ingestion: events per CPU second on one core.

Three streams of 161-byte messages, the size at which figures are quoted: the demo's logs, the same with their words
replaced by new ones in every fifth line (new patterns keep coming), and the same in every line (each line is the first
of its kind, so no memo helps). The anchor is the same work without any memo.

    python -m bench.ingest_mask [--events N]
"""

import argparse
import random
import time
from collections.abc import Sequence
from itertools import islice

from autoir.demo import generate
from autoir.patterns import Masker
from autoir.redact import redact

BYTES = 161
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def sized(message: str) -> str:
    """``message`` at 161 bytes: cut, or filled with its own words."""
    while len(message) < BYTES:
        message += " " + message[: BYTES - len(message)]
    return message[:BYTES]


def with_new_words(messages: Sequence[str], every: int) -> list[str]:
    """``messages``, where every so many end in two words that no other line has."""
    draw = random.Random(1)

    def word() -> str:
        return "".join(draw.choice(_LETTERS) for _ in range(9))

    return [m if i % every else f"{m[: BYTES - 20]} {word()} {word()}" for i, m in enumerate(messages)]


def seconds(messages: Sequence[str], memo_bytes: int | None) -> tuple[float, float, int]:
    """CPU seconds of redaction and of masking with ids, and the number of patterns; memos start empty."""
    began = time.process_time()
    redacted = [redact(message) for message in messages]
    redacting = time.process_time() - began
    masker = Masker() if memo_bytes is None else Masker(memo_bytes=memo_bytes)
    began = time.process_time()
    patterns = {masker.pattern("/bench", message).pattern_id for message in redacted}
    return redacting, time.process_time() - began, len(patterns)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    count = parser.parse_args().events
    messages = [sized(event.message) for event in islice(generate("pool-exhaustion", 1), count)]
    streams = {
        "demo": messages,
        "demo, a fifth of the lines new": with_new_words(messages, 5),
        "demo, every line new": with_new_words(messages, 1),
    }
    seconds(messages[:2_000], None)
    print(f"{'stream':32} {'patterns':>8} {'redact us':>10} {'mask us':>8} {'events/s':>9} {'without memo':>13}")
    for name, stream in streams.items():
        redacting, masking, patterns = seconds(stream, None)
        _, plain, _ = seconds(stream, 0)
        n = len(stream)
        print(
            f"{name:32} {patterns:8,} {1e6 * redacting / n:10.1f} {1e6 * masking / n:8.1f} "
            f"{n / (redacting + masking):9,.0f} {n / (redacting + plain):13,.0f}"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
