"""An AWS account on this machine, for ``cdk deploy`` and the tests of what it makes."""
