"""A BERT in process, with numpy alone: no torch, no runtime of somebody else's, no network.

A pattern's text is some thirty tokens, so the model is a few matrix products; numpy does them as fast on one core as
the frameworks do, loads in a fraction of their time, and installs in a tenth of their space. The same files run on a
laptop, in a container and inside an endpoint, so their vectors agree by construction.

``folder`` finds and verifies a model and loads nothing heavy; ``engine`` is imported only where texts are embedded.
"""

from autoir.errors import UsageError


class ModelFileError(UsageError):
    """A file of a model is not what it should be; the message names the file and what is wrong with it."""
