"""Severity class and family: what detection counts instead of patterns.

A family is coarser than a pattern. Paths, URLs and tokens with a value fall away and only the first words count, so
that a wrapped exception that names another target is no news; the exception names that fall away with them still tell
families apart.
"""

import re

from autoir.patterns.shape import ERROR, WARN, Shape

_TOKENS, _CHARACTERS, _NAMES = 20, 600, 8

_FAILURE = re.compile(
    r"fail|error|exception|time-?out|timed out|refused|unavailable|denied|fatal|\bpanic|unable|cannot|\babort|"
    r"unexpected|invalid(?!at)|rollback|rolled back|crash|\bkilled|\boom\b|out ?of ?memory"
)
_FAILURE_STEMS = (
    *("fail", "error", "exception", "timeout", "time-out", "timed out", "refused", "unavailable", "denied", "fatal"),
    *("panic", "unable", "cannot", "abort", "unexpected", "invalid", "rollback", "rolled back", "crash", "killed"),
    *("oom", "memory"),
)
_NO_FAILURE = re.compile(
    r"\b(?:no|without|without an|without any) errors?\b|"
    r"(?:error|err|exception|failure|failed|timeout)\w{0,40}[\"']? ?[=:] ?"
    r"(?:null|none|nil|<nil>|false|\[\]|\"\"|''|\{\}|-(?!\w))(?![\w.])"
)
_EXCEPTION = re.compile(r"[A-Za-z_$][\w$]{0,100}(?:Exception|Error)(?!\w)")
_VALUE_OR_PATH = re.compile(r"[0-9]|<\*>|\w://|/[\w.\-]+/|^/\w|^[A-Za-z]:\\")


def severity_class(level: int, template: str, server_error: bool) -> int:
    """2 for ERROR and worse or an HTTP 5xx, 1 for WARN or a word of failure, else 0."""
    if level >= ERROR or server_error:
        return 2
    if level == WARN:
        return 1
    lower = template.lower()
    if not any(stem in lower for stem in _FAILURE_STEMS):
        return 0
    return 1 if _FAILURE.search(_NO_FAILURE.sub(" ", lower)) else 0


def family_text(shape: Shape) -> str:
    """First 20 tokens of the template without paths and values, and the exception names that this leaves out."""
    head = shape.template[:_CHARACTERS]
    tokens: list[str] = []
    dropped: list[str] = []
    end = 0
    for found in re.finditer(r"\S+", head):
        if len(tokens) == _TOKENS:
            break
        token = found.group()
        end = found.end()
        if token.isalpha() or not _VALUE_OR_PATH.search(token):
            tokens.append(token)
            continue
        dropped.append(token)
        if not tokens or tokens[-1] != "<*>":
            tokens.append("<*>")
    names = dict.fromkeys(_EXCEPTION.findall(" ".join([*dropped, shape.template[end:]])))
    return " ".join([*tokens, *list(names)[:_NAMES]])
