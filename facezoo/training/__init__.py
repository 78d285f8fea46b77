"""The training loop and what it needs: schedules, validation, checkpoints, log, report."""
