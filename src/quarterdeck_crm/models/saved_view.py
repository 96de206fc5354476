"""Views of lists: filters, order and columns under a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .columns import Timestamps, Versioned

if TYPE_CHECKING:
    from .user import User

MAX_ARGUMENTS = 2000  # characters


class SavedView(Timestamps, Versioned, Model):
    """A view of a list, for its owner or for all users.

    Attributes:
        page: The list: the name of its blueprint, for example ``orders``.
        arguments: Those of the URL, as ``urlencode`` writes them.
        is_shared: Whether all users see it.
        position: Its place among the views of the list.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        Index(None, "page", "is_shared", "position"),
        Index(None, "owner_id", "page", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    page: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    arguments: Mapped[str] = mapped_column(String(MAX_ARGUMENTS), default="")
    is_shared: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)

    owner: Mapped[User] = relationship()
