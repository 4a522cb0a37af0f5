"""Engines whose model runs somewhere else: a SageMaker endpoint, or a server that speaks HTTP.

They differ only in how a request travels (``transport.py`` says what that is); what to send, how long to try, what a
reply means and who is to blame for a bad one is the same for all of them. Log text leaves this process by them, so a
server outside this machine and account is used only when its owner has said yes. Nothing here is on the way of an
event: a pattern whose endpoint is down stays pending.
"""
