"""Training: RoIs and their targets, sampling, losses, the solver, checkpoints, SVMs."""
