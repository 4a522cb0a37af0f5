"""What people read: the incident told in rule-made words, on a screen, as a document.

Everything here is pure: rows in, text out. Words come from the stored lines and from tables, never from a model, so the
same incident reads the same in every replay, and every sentence names the stored events that prove it.
"""
