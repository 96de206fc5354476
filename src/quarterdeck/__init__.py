"""Quarterdeck: the extensions of Flask for Quart, async from the start.

Each room is imported by its own name and needs only its own extra, for example
``from quarterdeck.sqlalchemy import SQLAlchemy`` with ``quarterdeck[sqlalchemy]``.
"""
