"""The marks of CSRF protection on views."""

from __future__ import annotations

from quarterdeck._marks import Mark

EXEMPT: Mark[bool] = Mark("csrf_exempt")
REDISPLAY: Mark[bool] = Mark("csrf_redisplay")
