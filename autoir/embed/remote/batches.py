"""How texts become requests: each once, like lengths together, nothing over what the wire takes.

Engines that pad pay for the longest text of a batch, so unsorted batches cost 2.5 times as much (measured). And a
server that answers a vector for every token sends 8.3 KB for each: 50 raw log lines are 25 MB, where SageMaker takes 4.
So until a server has shown that it pools, a batch is also held to what such a reply would weigh.
"""

import re
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from autoir.embed.recipe import LIMIT

TOKEN_BYTES = 8_300
"""384 numbers as JSON, 21.5 bytes each: measured on replies of plain feature extraction."""

_WORD = re.compile(r"[A-Za-z0-9]+")
_ENDS = 2


class Caps(NamedTuple):
    """What one request may have. TEI takes 32 texts and 2 MB, SageMaker 4 MB each way; both with room to spare."""

    texts: int = 32
    request_bytes: int = 1_500_000
    reply_bytes: int = 3_500_000


CAPS = Caps()


def queued(texts: Iterable[str]) -> deque[str]:
    """Texts as they are sent: cut to 1,500 characters, each once, the shortest first."""
    return deque(sorted({text[:LIMIT] for text in texts}, key=lambda text: (len(text), text)))


def predicted_tokens(text: str, max_tokens: int) -> int:
    """About how many tokens a BERT sees, rather too many: a piece for each 4 letters, one for every other sign."""
    words = sum(1 + len(word) // 4 for word in _WORD.findall(text))
    signs = len("".join(_WORD.sub("", text).split()))
    return min(max_tokens, _ENDS + words + signs)


def take(queue: deque[str], max_tokens: int, *, pooled: bool, caps: Caps = CAPS) -> list[str]:
    """The next batch off ``queue``, at least one text. ``pooled``: the server answers one vector a text."""
    batch: list[str] = []
    request = reply = 0
    while queue and len(batch) < caps.texts:
        request += len(queue[0].encode("utf-8", "replace")) + 3  # quotes and comma
        reply += 0 if pooled else predicted_tokens(queue[0], max_tokens) * TOKEN_BYTES
        if batch and (request > caps.request_bytes or reply > caps.reply_bytes):
            break
        batch.append(queue.popleft())
    return batch
