"""The stages of the DVC graph, one thin script each, and what runs and plans them."""

import os

# An OpenMP thread that spins while it waits for one that another process has displaced makes
# training ten times slower on a busy machine; a waiting one that sleeps costs nothing.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
