"""Forms with async validators, uploads, JSON forms and CSRF protection."""

from .csrf import CSRFProtect
from .file import FileAllowed, FileField, FileRequired, FileSize, MultipleFileField, file_size
from .form import QuartForm
from .json import InvalidData, JSONForm, validate_data
from .tokens import CSRFError, generate_csrf, validate_csrf

__all__ = [
    "CSRFError",
    "CSRFProtect",
    "FileAllowed",
    "FileField",
    "FileRequired",
    "FileSize",
    "InvalidData",
    "JSONForm",
    "MultipleFileField",
    "QuartForm",
    "file_size",
    "generate_csrf",
    "validate_csrf",
    "validate_data",
]
