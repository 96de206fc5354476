"""Validation of WTForms fields with async validators, one after the other, in order.

This follows ``Field.validate``, ``FormField.validate`` and ``FieldList.validate`` of WTForms,
awaiting whatever a validator returns. Where only synchronous code can call validators (a field
class with a ``validate`` of its own, a plain WTForms form), an async one raises.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from wtforms import Field, FieldList, Form, FormField
from wtforms.form import BaseForm
from wtforms.validators import StopValidation, ValidationError

from quarterdeck._lazy import LazyText
from quarterdeck.exceptions import AsyncValidatorError

Validator = Callable[[Any, Any], Any]
Extra = Mapping[str, Sequence[Validator]]


async def validate_form(form: Form, extra: Extra | None) -> bool:
    """Validate every field, also after a wrong one; inline validators come last."""
    valid = True
    for name, field in list(form._fields.items()):
        validators = [*(extra or {}).get(name, ())]
        inline = getattr(type(form), f"validate_{name}", None)
        if inline is not None:
            validators.append(inline)
        valid = await validate_field(form, field, validators) and valid
    return valid


def _written(errors: Sequence[Any]) -> list[Any]:
    """Return the messages with lazy texts as text, in the language of this request."""
    return [str(each) if isinstance(each, LazyText) else each for each in errors]


async def validate_field(form: BaseForm, field: Any, extra: Sequence[Validator] = ()) -> bool:
    """Validate one field, with those inside it."""
    method = type(field).validate
    if method is Field.validate:
        return await _validate_single(form, field, extra)
    if method is FieldList.validate:
        return await _validate_list(form, field, extra)
    if method is FormField.validate and not extra:
        return await _validate_enclosed(field)
    refuse_async(field)
    return bool(await _outcome(field.validate(form, list(extra))))


async def _validate_single(form: BaseForm, field: Any, extra: Sequence[Validator]) -> bool:
    field.check_validators(extra)
    field.errors = list(field.process_errors)
    stopped = False
    try:
        await _outcome(field.pre_validate(form))
    except StopValidation as stop:
        stopped = True
        field.errors.extend(filter(None, stop.args[:1]))
    except ValidationError as error:
        field.errors.append(error.args[0])
    if not stopped:
        stopped = await _run(form, field, chain(field.validators, extra))
    try:
        await _outcome(field.post_validate(form, stopped))
    except ValidationError as error:
        field.errors.append(error.args[0])
    field.errors = _written(field.errors)
    return not field.errors


async def _validate_list(form: BaseForm, field: Any, extra: Sequence[Validator]) -> bool:
    entries = []
    for entry in field.entries:
        await validate_field(form, entry)
        entries.append(entry.errors)
    field.errors = entries if any(entries) else []
    await _run(form, field, chain(field.validators, extra))
    field.errors = _written(field.errors)
    return not field.errors


async def _validate_enclosed(field: Any) -> bool:
    refuse_async(field)
    return bool(await _outcome(field.form.validate()))


async def _run(form: BaseForm, field: Any, validators: Iterable[Validator]) -> bool:
    """Run validators; True if one of them stopped the chain."""
    for validator in validators:
        try:
            await _outcome(validator(form, field))
        except StopValidation as stop:
            field.errors.extend(filter(None, stop.args[:1]))
            return True
        except ValidationError as error:
            field.errors.append(error.args[0])
    return False


async def _outcome(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def refuse_async(field: Any) -> None:
    """Make the synchronous ``validate`` of a field raise when it meets an async validator."""
    field._run_validation_chain = _SyncChain(field)
    inside = vars(field)  # FormField looks up missing attributes in a form it may not have yet
    for inner in (*inside.get("form", ()), *inside.get("entries", ())):
        refuse_async(inner)


class _SyncChain:
    """Stands in for ``Field._run_validation_chain``."""

    def __init__(self, field: Any) -> None:
        self._field = field

    def __call__(self, form: BaseForm, validators: Iterable[Validator]) -> bool:
        field = self._field
        for hook in (field.pre_validate, field.post_validate):
            if inspect.iscoroutinefunction(hook):
                raise AsyncValidatorError(field.name, hook.__name__)
        checked = [self._checked(validator) for validator in validators]
        return bool(type(field)._run_validation_chain(field, form, checked))

    def _checked(self, validator: Validator) -> Validator:
        def call(form: BaseForm, field: Any) -> None:
            result = validator(form, field)
            if inspect.isawaitable(result):
                if inspect.iscoroutine(result):
                    result.close()
                name = getattr(validator, "__qualname__", type(validator).__qualname__)
                raise AsyncValidatorError(field.name, name)

        return call
