"""Masking: what is left of a log line without its variables.

A stateless mask and a hash, not a template miner: the same line has the same pattern in every process and order, and
lines of different meaning are not merged to save patterns. Over-splitting costs an embedding; over-merging hides an
incident.
"""

from autoir.patterns.escalation import MissRate, token_mask
from autoir.patterns.family import family_text
from autoir.patterns.masker import Masker, mask_text, pattern_of, shape_of
from autoir.patterns.shape import (
    ERROR,
    FATAL,
    FRAME,
    INFO,
    JSON,
    MASK_VERSION,
    TEXT,
    TOKEN_MASK_VERSION,
    TRACE,
    UNKNOWN,
    WARN,
    Pattern,
    Shape,
)

__all__ = [
    "ERROR",
    "FATAL",
    "FRAME",
    "INFO",
    "JSON",
    "MASK_VERSION",
    "TEXT",
    "TOKEN_MASK_VERSION",
    "TRACE",
    "UNKNOWN",
    "WARN",
    "Masker",
    "MissRate",
    "Pattern",
    "Shape",
    "family_text",
    "mask_text",
    "pattern_of",
    "shape_of",
    "token_mask",
]
