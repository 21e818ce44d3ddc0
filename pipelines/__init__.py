"""The stages of the DVC graph, one thin script each, and what runs and plans them."""
