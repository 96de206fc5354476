"""The first apps that the documentation of each Flask extension builds, with ``await`` added.

The code is ours; the steps, names and calls are those of the quickstarts.
"""
