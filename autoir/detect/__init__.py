"""Detection: what is unusual in a minute of log lines, and what of it deserves an incident.

Pure functions over plain data, but for ``finding``, which asks the store for samples. Nothing here reads a clock or a
random number, asks a model or keeps state between calls, so the same rows, parameters and minute give the same
incidents, byte for byte, on every machine. It works on families of patterns and their counts a minute; single lines
are only ever samples of what was found.
"""
