"""The defaults. A variable of the environment wins: NOTICEBOARD_TITLE for TITLE."""

TITLE = "Notice board"
SQLALCHEMY_DATABASE_URI = "sqlite:///noticeboard.sqlite3"  # in the folder 'instance'
