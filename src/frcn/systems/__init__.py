"""The systems that are compared; each has two verbs, fit and detect."""
