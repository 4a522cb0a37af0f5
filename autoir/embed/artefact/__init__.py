"""The model as SageMaker takes it: an archive with weights, the ``local`` engine and the door to it.

Hugging Face's container would download the weights at every cold start and answer a vector for every token, which its
4 MB limit cuts off. So the archive brings its own ``inference.py`` and, beside it, AutoIR's own modules: what the tests
run is, file by file, what the endpoint runs. Of the image nothing but Python and numpy takes part.
"""

from autoir.embed.artefact.pack import Packed, pack_model

__all__ = ["Packed", "pack_model"]
