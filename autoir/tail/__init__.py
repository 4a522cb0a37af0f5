"""Sources of log events: where lines come from, before anything is known about what they say."""
