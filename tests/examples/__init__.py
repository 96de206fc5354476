"""The apps in ``examples/``, each copied to a folder of its own and served."""
