"""Is a stage as it should be? Everything that its files cannot know, asked of AWS, one row for each thing.

A check asks one question and says what it found, what is needed, and the command that mends it. Checks know nothing of
each other, and one that is not answered, for want of a right or of a network, is a row too: it hides no other. Nothing
is ever changed here.
"""

from autoir.aws.health.rows import Row, Seen, checked, is_sound

__all__ = ["Row", "Seen", "checked", "is_sound"]
