"""The field of a time zone: its options are those of a plain select, and are written once."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from wtforms import Form, SelectField

from quarterdeck_crm.forms.fields import ZoneField
from quarterdeck_crm.validation.times import ZONES


def _shown(field: Any, zone: str | None) -> str:
    form = type("Zoned", (Form,), {"zone": field})(data={"zone": zone})
    return str(form.zone(class_="form-select", aria_describedby='"a" & <b>'))


def _or_none(name: str) -> str | None:
    return name or None


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Ushuaia", None])
def test_it_is_written_as_a_plain_select(zone: str | None) -> None:
    plain = SelectField(choices={name: name for name in ZONES})

    assert _shown(ZoneField(), zone) == _shown(plain, zone)


@pytest.mark.parametrize("zone", ["Asia/Shanghai", None, ""])
def test_the_empty_choice_stands_for_a_zone(zone: str | None) -> None:
    choices = {"": "UTC"} | {name: name for name in ZONES if name != "UTC"}
    plain = SelectField(choices=choices, coerce=_or_none)

    assert _shown(ZoneField(empty="UTC", coerce=_or_none), zone) == _shown(plain, zone)


@pytest.mark.parametrize("text", ["Mars/Olympus", '"><script>'])
def test_another_text_is_refused_and_not_shown(text: str) -> None:
    class _Form(Form):
        zone = ZoneField()

    form = _Form(MultiDict({"zone": text}))

    assert not form.validate()
    assert "selected" not in form.zone()
    assert text not in form.zone()
