"""A stage: one deployment of AutoIR to AWS, described by one file, ``stages/<stage>.toml``.

The commands write that file and the stacks read it, so both meet here, and neither CDK nor boto3 is imported: a
wheel without either can still say what a stage is. What a stage changes stands in its file; all else is the defaults
of ``config``. A stage is checked whole when it is read, so what cannot be deployed is refused before anything is.
"""

from autoir.stage.config import StageConfig
from autoir.stage.reading import parse, read, stages_in
from autoir.stage.writing import save, written

__all__ = ["StageConfig", "parse", "read", "save", "stages_in", "written"]
