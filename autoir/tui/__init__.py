"""Screens in a terminal.

Each is a widget, so that it stands alone or as a pane beside others, and knows nothing of the command that opened it.
A key is never kept waiting: what asks a store does so in a thread of its own (``desk``). Log text comes onto a screen
through ``autoir.report.text`` alone, and never as markup. Textual is loaded here and nowhere else, and this package
only when a screen opens.
"""
