"""Forms with async validators, uploads, JSON forms and CSRF protection."""

from quarterdeck import _extras

_extras.needs("wtf", "wtforms", "email_validator")

from quarterdeck.exceptions import CSRFError

from .extension import CSRFProtect
from .file import FileAllowed, FileField, FileRequired, FileSize, MultipleFileField, file_size
from .form import QuartForm
from .json import InvalidData, JSONForm, validate_data
from .resubmission import Resubmission
from .tokens import csrf_meta_tag, generate_csrf, validate_csrf
from .version import VersionField

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
    "Resubmission",
    "VersionField",
    "csrf_meta_tag",
    "file_size",
    "generate_csrf",
    "validate_csrf",
    "validate_data",
]
