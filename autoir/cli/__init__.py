"""The command line: parse, call one job, show what it returns.

Nothing is decided here that a Lambda or a test would need as well. One module a command group; what all of them
share is in ``options`` (how a command is asked), ``stores`` (on which store), ``output`` (how an answer looks) and
``failures`` (how an error looks). Heavy libraries are imported where they are used, so that help and completion
answer at once.
"""
