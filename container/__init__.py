"""What the container runs: the tailing task, and the question whether it lives."""
