"""Private names of WTForms that ``quarterdeck.wtf`` uses.

WTForms belongs to an extra, so this module imports nothing of it.
``tests/policies/test_upstreams.py`` checks that they exist and that no other ones are used.
"""

from __future__ import annotations

#: "module:name" with the reason. The bounds in pyproject.toml name the versions.
PRIVATE = {
    "wtforms.form:BaseForm._fields": "validation goes through the fields in their order",
    "wtforms.form:BaseForm._prefix": "JSON is read below the prefix of a form",
    "wtforms.form:Form._unbound_fields": "declared on the class; the metaclass fills it",
    "wtforms.form:Form._wtforms_meta": "declared on the class; the metaclass fills it",
    "wtforms.fields:Field._run_validation_chain": "awaits validators; an override is respected",
    "wtforms.fields:FieldList._separator": "the names of the entries of a list",
    "wtforms.fields:StringField._value": "the version that a page shows after a conflict",
}
