"""File fields and their validators, for the files of a Quart request."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any

from werkzeug.datastructures import FileStorage
from wtforms import FileField as _FileField
from wtforms import MultipleFileField as _MultipleFileField
from wtforms.validators import StopValidation, ValidationError

from quarterdeck.exceptions import FileNotSeekableError


class FileField(_FileField):
    """One uploaded file, a ``FileStorage``.

    Without an upload ``data`` keeps the value of the object or the default.
    The file name comes from the browser: never use it as a path.
    """

    @property
    def upload(self) -> FileStorage | None:
        """The uploaded file; None without one, also if the object has a value for ``data``."""
        files = _uploaded(self.data)
        return files[0] if files else None

    def process_formdata(self, valuelist: list[Any]) -> None:
        files = _uploaded(valuelist)
        self.raw_data = files
        if files:
            self.data = files[0]


class MultipleFileField(_MultipleFileField):
    """Any number of uploaded files, a list of ``FileStorage``."""

    @property
    def uploads(self) -> list[FileStorage]:
        """The uploaded files; empty without one, also if the object has a value for ``data``."""
        return _uploaded(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        files = _uploaded(valuelist)
        self.raw_data = files
        if files:
            self.data = files


class FileRequired:
    """At least one file must have been chosen."""

    field_flags = {"required": True}

    def __init__(self, message: str | None = None) -> None:
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        if not _uploaded(field.data):
            raise StopValidation(self.message or field.gettext("This field is required."))


class FileAllowed:
    """The name of each file must end in one of the extensions, in any case.

    Says nothing about the contents: a browser sends whatever it is told to.
    """

    def __init__(self, extensions: Iterable[str], message: str | None = None) -> None:
        self.extensions = tuple(item.lower().lstrip(".") for item in extensions)
        self.message = message
        self.field_flags = {"accept": ",".join(f".{item}" for item in self.extensions)}

    def __call__(self, form: Any, field: Any) -> None:
        for file in _uploaded(field.data):
            if PurePath(file.filename or "").suffix.lower().lstrip(".") not in self.extensions:
                message = field.gettext("Choose a file of one of these types: {types}.")
                types = ", ".join(self.extensions)
                raise StopValidation(self.message or message.format(types=types))


class FileSize:
    """The size of each file in bytes must be within the limits.

    ``MAX_CONTENT_LENGTH`` keeps larger bodies from being read at all.
    """

    def __init__(self, max_size: int, min_size: int = 0, message: str | None = None) -> None:
        self.max_size = max_size
        self.min_size = min_size
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        for file in _uploaded(field.data):
            if not self.min_size <= file_size(file) <= self.max_size:
                message = field.gettext("The file must be between {min} and {max} bytes.")
                text = message.format(min=self.min_size, max=self.max_size)
                raise ValidationError(self.message or text)


def file_size(file: FileStorage) -> int:
    """The size in bytes of an uploaded file, without reading it.

    Raises:
        FileNotSeekableError: If only reading it could tell. Files of a request are seekable.
    """
    if not file.stream.seekable():
        raise FileNotSeekableError(file.filename)
    position = file.stream.tell()
    size = file.stream.seek(0, os.SEEK_END)
    file.stream.seek(position)
    return size


def _uploaded(data: Any) -> list[FileStorage]:
    """The files that were really chosen: an empty input sends one without a name."""
    items = data if isinstance(data, (list, tuple)) else [data]
    return [item for item in items if isinstance(item, FileStorage) and item.filename]
