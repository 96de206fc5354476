"""People, the ways to reach them, and the accounts that they belong to."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from quarterdeck_crm.extensions import Model

from .collation import sorted_as
from .columns import HAS_LINES, IS_EMAIL, IS_PHONE, Archivable, Timestamps, Versioned, exact
from .references import new_reference

if TYPE_CHECKING:
    from .account import Account

SORTED_BY = ("name_key", "created_at")
LABEL_LENGTH = 8


class Label(enum.StrEnum):
    """The use of a phone number or an address."""

    WORK = "work"
    MOBILE = "mobile"
    HOME = "home"
    FAX = "fax"
    OTHER = "other"


PHONE_LABELS = (Label.WORK, Label.MOBILE, Label.HOME, Label.FAX, Label.OTHER)
ADDRESS_LABELS = (Label.WORK, Label.HOME, Label.OTHER)  # of mail and e-mail


class Person(Timestamps, Archivable, Versioned, Model):
    """A person that we do business with, at any number of accounts.

    The version also grows when a phone number, an address or an account of the person changes.
    ``merged_into_id`` is the record that a duplicate became part of; it is archived then.
    ``reference`` never changes: files name the person by it.
    """

    __tablename__ = "person"
    __table_args__ = (
        *(Index(None, "archived_at", column) for column in SORTED_BY),
        Index(None, "archived_at", "do_not_contact", "name_key"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(exact(20), unique=True, default=new_reference)
    name: Mapped[str] = mapped_column(String(120))
    name_key: Mapped[str] = sorted_as("name", 120)
    birthday: Mapped[date | None]
    do_not_contact: Mapped[bool] = mapped_column(default=False)
    consent_given_on: Mapped[date | None]
    consent_how: Mapped[str | None] = mapped_column(String(200))
    consent_withdrawn_on: Mapped[date | None]
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("person.id", ondelete="SET NULL"), index=True
    )

    contacts: Mapped[list[Contact]] = relationship(
        back_populates="person", cascade="all, delete-orphan", order_by="Contact.account_id"
    )
    phones: Mapped[list[PersonPhone]] = relationship(
        cascade="all, delete-orphan", order_by="PersonPhone.position"
    )
    emails: Mapped[list[PersonEmail]] = relationship(
        cascade="all, delete-orphan", order_by="PersonEmail.position"
    )
    addresses: Mapped[list[PersonAddress]] = relationship(
        cascade="all, delete-orphan", order_by="PersonAddress.position"
    )

    @property
    def accounts(self) -> list[Contact]:
        """The places of the person, one for each account."""
        return self.contacts

    @property
    def phone(self) -> str | None:
        """The first number that is not a fax; setting None removes it."""
        return _first(self._numbers(fax=False))

    @phone.setter
    def phone(self, number: str | None) -> None:
        self._set_number(number, fax=False)

    @property
    def fax(self) -> str | None:
        """The first fax number; setting None removes it."""
        return _first(self._numbers(fax=True))

    @fax.setter
    def fax(self, number: str | None) -> None:
        self._set_number(number, fax=True)

    @property
    def email(self) -> str | None:
        """The first e-mail address; setting None removes it."""
        return self.emails[0].email if self.emails else None

    @email.setter
    def email(self, address: str | None) -> None:
        same = [each for each in self.emails if each.email == address]
        if same:  # it comes first
            same[0].email, self.emails[0].email = self.emails[0].email, same[0].email
        elif address is None:
            del self.emails[:1]
        elif self.emails:
            self.emails[0].email = address
        else:
            self.emails.append(PersonEmail(position=1, label=Label.WORK, email=address))

    def _numbers(self, *, fax: bool) -> list[PersonPhone]:
        return [phone for phone in self.phones if (phone.label == Label.FAX) == fax]

    def _set_number(self, number: str | None, *, fax: bool) -> None:
        found = self._numbers(fax=fax)
        same = [phone for phone in found if phone.number == number]
        if same:  # it comes first
            same[0].number, found[0].number = found[0].number, same[0].number
            return
        if number is None:
            if found:
                self.phones.remove(found[0])
        elif found:
            found[0].number = number
        else:
            position = max((phone.position for phone in self.phones), default=0) + 1
            label = Label.FAX if fax else Label.WORK
            self.phones.append(PersonPhone(position=position, label=label, number=number))


class PersonPhone(Model):
    """A phone number of a person."""

    __tablename__ = "person_phone"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default=Label.WORK)
    number: Mapped[str] = mapped_column(String(40), info=IS_PHONE)


class PersonEmail(Model):
    """An e-mail address of a person."""

    __tablename__ = "person_email"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default=Label.WORK)
    email: Mapped[str] = mapped_column(String(254), info=IS_EMAIL, index=True)


class PersonAddress(Model):
    """A postal address of a person."""

    __tablename__ = "person_address"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    label: Mapped[str] = mapped_column(String(LABEL_LENGTH), default=Label.WORK)
    address: Mapped[str | None] = mapped_column(String(300), info=HAS_LINES)
    city: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    postal_code: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(100))


class Contact(Model):
    """The place of a person at an account.

    ``main`` is True or None, never False, so that the database refuses a second main contact.
    Name, phone, fax and e-mail address are those of the person.
    """

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("account_id", "person_id", name="uq_contact_account_id_person_id"),
        UniqueConstraint("account_id", "main", name="uq_contact_account_id_main"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    title: Mapped[str | None] = mapped_column(String(120))
    main: Mapped[bool | None]

    # Adding a person to a db session does not add its accounts, which have an order of their own.
    account: Mapped[Account] = relationship(back_populates="contacts", cascade="merge")
    person: Mapped[Person] = relationship(back_populates="contacts")

    @property
    def is_main(self) -> bool:
        return bool(self.main)

    @property
    def created_at(self) -> datetime:
        return self.person.created_at

    @property
    def updated_at(self) -> datetime:
        return self.person.updated_at

    @property
    def name(self) -> str:
        return self.person.name

    @name.setter
    def name(self, name: str) -> None:
        self.person.name = name

    @property
    def email(self) -> str | None:
        return self.person.email

    @email.setter
    def email(self, address: str | None) -> None:
        self.person.email = address

    @property
    def phone(self) -> str | None:
        return self.person.phone

    @phone.setter
    def phone(self, number: str | None) -> None:
        self.person.phone = number

    @property
    def fax(self) -> str | None:
        return self.person.fax

    @fax.setter
    def fax(self, number: str | None) -> None:
        self.person.fax = number


def _first(phones: Sequence[PersonPhone]) -> str | None:
    return phones[0].number if phones else None
