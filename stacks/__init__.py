"""The AWS side of AutoIR: which stacks a stage has, and what is in each.

A stack names entry points, variables and rights; it never imports the jobs that run behind them. Nothing here asks
AWS anything: a stage's file goes in, templates come out, the same ones each time.
"""
