"""What the Lambda functions do: one job a module, all of it importable, so that it runs on a laptop and in a test.

``lambdas/<name>/handler.py`` reads the environment and calls one of these. What they share is here too: how much time
is left (``context``), a store behind a secret (``held``), what they say of themselves (``telemetry``). Nothing heavy is
loaded before it is needed, for a cold start is paid by whoever waits for a page.
"""
