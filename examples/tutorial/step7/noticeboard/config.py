"""The defaults. A variable of the environment wins: NOTICEBOARD_TITLE for TITLE."""

TITLE = "Notice board"
NOTICE_DAYS = 30  # then a notice is removed
SQLALCHEMY_DATABASE_URI = "sqlite:///noticeboard.sqlite3"  # in the folder 'instance'
MAIL_BACKEND = "console"  # prints; "smtp" sends
MAIL_DEFAULT_SENDER = ("Notice board", "board@example.com")
