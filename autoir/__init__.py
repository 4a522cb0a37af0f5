"""AutoIR: incidents that on-call can trust, from the logs a company already has.

The library behind every door (CLI, Lambda handlers, container). Its floors are stated in
``tests/test_floors.py``: a module imports only from its own floor or below.
"""

__version__ = "0.1.0"
