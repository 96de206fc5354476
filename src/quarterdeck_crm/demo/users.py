"""The users of the demonstration company. All have a known password."""

from __future__ import annotations

from quarterdeck_crm.models import Role, UserKind

ADMIN_EMAIL = "admin@quarterdeck.example"
USERS = (
    (ADMIN_EMAIL, "Ada Anker", Role.ADMIN, UserKind.SENIOR_MANAGER),
    ("mod@quarterdeck.example", "Mika Modéer", Role.MODERATOR, UserKind.MANAGER),
    ("user@quarterdeck.example", "Uma Usher", Role.USER, UserKind.STANDARD),
    ("li.wei@quarterdeck.example", "李伟", Role.USER, UserKind.STANDARD),
    ("sofia.papadaki@quarterdeck.example", "Σοφία Παπαδάκη", Role.USER, UserKind.STANDARD),
    ("yuki.tanaka@quarterdeck.example", "田中 由紀", Role.MODERATOR, UserKind.MANAGER),
    ("omar.haddad@quarterdeck.example", "عمر حداد", Role.USER, UserKind.STANDARD),
    ("olena.bondar@quarterdeck.example", "Олена Бондар", Role.USER, UserKind.MANUFACTURER),
)
