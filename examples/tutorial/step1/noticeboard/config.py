"""The defaults. A variable of the environment wins: NOTICEBOARD_TITLE for TITLE."""

TITLE = "Notice board"
