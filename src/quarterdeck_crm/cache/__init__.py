"""Rows that most pages need and that rarely change, kept in the memory of each process.

They are the active users, the tags, the custom fields and the saved views. A word in the database,
the version, is replaced by each transaction that changes one of them. Every signed-in request reads
it together with its user, so a process drops its copies at the first request after a change,
whichever process made it.
"""
