"""What a server answered, as vectors: read by its nesting, never by who sent it.

Servers differ in what they call an embedding. A pooled reply is ``[N][384]``, or ``[384]`` for one text; plain feature
extraction gives a vector for every token, ``[1][T][384]`` for one text and ``[N][1][T][384]`` for several; ours gives
``{"spec", "dim", "n", "vectors", "errors"}`` with float32 in base64, a fifth of the size. Token vectors are pooled as
the spec says and everything is normalised here, so the servers' own habits do not matter. A text whose vector is none
fails alone; a reply with another number of vectors than texts fails as a whole, for nobody knows whose they are.
"""

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from autoir.embed.documents import checked
from autoir.embed.interface import EmbedderSpec, EmbedFailure, ModelMismatchError, Vector
from autoir.embed.remote.transport import RequestRefusedError, one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reply(NamedTuple):
    """A vector or a failure for each text of the request, in order.

    ``pooled``: the server answers one vector a text, not one a token. ``width``: how many numbers its vectors have; 0
    where the first text has none.
    """

    vectors: list[Vector | EmbedFailure]
    pooled: bool
    width: int


def read_reply(body: bytes, count: int, spec: EmbedderSpec) -> Reply:
    """The reply to a request for ``count`` texts.

    Raises RequestRefusedError when it is none, and ModelMismatchError when it says that it is another model's.
    """
    try:
        document: object = json.loads(body)  # not orjson: Python servers write NaN, which that refuses
    except (ValueError, RecursionError):
        raise RequestRefusedError("the reply is no JSON") from None
    errors: Mapping[str, object] = {}
    if isinstance(document, dict):
        named, said = document.get("spec"), document.get("errors")
        if named is not None and named != spec.id:
            raise ModelMismatchError(
                f"The endpoint says that it runs {one_line(str(named))}; {spec.id} was expected.",
                "Name the model that the endpoint runs, or deploy the one that filled the store.",
            )
        errors = said if isinstance(said, dict) else {}
        rows = _rows(document, spec.dim)
    else:
        rows = document if isinstance(document, list) else None
    if rows is None:
        raise RequestRefusedError("the reply holds no vectors")
    if rows and isinstance(rows[0], int | float):
        rows = [rows]
    if len(rows) != count:
        raise RequestRefusedError(f"the reply holds {len(rows)} vectors for {count} texts")
    read = [_numbers(row) for row in rows]
    vectors = [
        EmbedFailure(one_line(str(errors[str(n)]))) if str(n) in errors else _vector(numbers, spec)
        for n, numbers in enumerate(read)
    ]
    pooled = {numbers.ndim for numbers in read if numbers is not None} == {1}
    first = read[0] if read else None
    return Reply(vectors, pooled, first.shape[-1] if first is not None and first.ndim else 0)


def _rows(document: Mapping[str, object], dim: int) -> list[object] | None:
    """The ``vectors`` of an object: as they are, or out of base64 float32, little endian, ``dim`` to a row."""
    import numpy as np

    vectors = document.get("vectors")
    if isinstance(vectors, list):
        return vectors
    width = document.get("dim", dim)
    if not isinstance(vectors, str) or not isinstance(width, int) or width < 1:
        return None
    try:
        return list(np.frombuffer(base64.b64decode(vectors, validate=True), "<f4").reshape(-1, width))
    except ValueError:  # no base64, or no whole rows
        return None


def _numbers(row: object) -> "NDArray[np.float64] | None":
    """What is given for one text: [384], [T][384] or [1][T][384]; None where it is no such thing."""
    import numpy as np

    try:
        numbers = np.asarray(row, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    if numbers.ndim == 3 and numbers.shape[0] == 1:
        numbers = numbers[0]
    return numbers


def _vector(numbers: "NDArray[np.float64] | None", spec: EmbedderSpec) -> Vector | EmbedFailure:
    import numpy as np

    if numbers is None:
        return EmbedFailure("the model gave something that is no vector")
    with np.errstate(all="ignore"):  # what is not finite is found by its result
        if numbers.ndim == 2 and numbers.size:
            numbers = numbers[0] if spec.pooling == "cls" else numbers.mean(axis=0)
        return checked(numbers, spec.dim)
