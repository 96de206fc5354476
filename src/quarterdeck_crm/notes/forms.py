"""The forms of notes."""

from __future__ import annotations

from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from quarterdeck.wtf import QuartForm
from quarterdeck_crm.forms.conflicts import VersionedForm
from quarterdeck_crm.forms.submission import SubmissionField
from quarterdeck_crm.languages import lazy as _l
from quarterdeck_crm.models import MAX_NOTE


class NoteForm(QuartForm):
    submission = SubmissionField()
    body = TextAreaField(_l("Note"), [DataRequired(_l("Write something.")), Length(max=MAX_NOTE)])


class NoteEditForm(VersionedForm):
    body = TextAreaField(_l("Note"), [DataRequired(_l("Write something.")), Length(max=MAX_NOTE)])
