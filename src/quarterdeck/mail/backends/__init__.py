"""Where mail goes: one module for each ``MAIL_BACKEND``."""
