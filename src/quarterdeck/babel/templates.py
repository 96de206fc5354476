"""Texts and formats in templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from . import formats
from .domain import catalog, get_translations

if TYPE_CHECKING:
    from jinja2 import Environment

FILTERS = {
    "datetimeformat": formats.format_datetime,
    "dateformat": formats.format_date,
    "timeformat": formats.format_time,
    "timedeltaformat": formats.format_timedelta,
    "numberformat": formats.format_number,
    "decimalformat": formats.format_decimal,
    "currencyformat": formats.format_currency,
    "percentformat": formats.format_percent,
    "scientificformat": formats.format_scientific,
}

QUICK = ("_", "gettext")  # texts that a page has hundreds of


def install(environment: Environment) -> None:
    """Add the filters, ``{% trans %}``, ``_`` and the functions of its family to templates.

    As with Jinja's new style, a text is a format: ``%`` is written ``%%``, variables are
    escaped, and the text itself is not.
    """
    environment.filters.update(FILTERS)
    environment.add_extension("jinja2.ext.i18n")
    install_callables: Any = environment
    install_callables.install_gettext_callables(_plain, _plain, newstyle=True)
    environment.globals.update(
        _=gettext,
        gettext=gettext,
        ngettext=ngettext,
        pgettext=pgettext,
        npgettext=npgettext,
    )
    install_callables.quick_names, install_callables.quick_text = QUICK, quick_text


def _plain(*args: Any) -> str:
    """Stands in until the functions below are set; sets Jinja's flag for the new style."""
    return str(args[0])


@pass_eval_context
def gettext(eval_ctx: EvalContext, string: str, /, **variables: Any) -> str:
    """Translate a text in a template."""
    texts = catalog()
    if not variables and eval_ctx.autoescape and (quick := texts.markup.get(string)) is not None:
        return quick
    text = texts.text(string)
    if not variables and "%" not in text:
        return Markup(text) if eval_ctx.autoescape else text  # noqa: S704  # it has no variables
    return _fill(eval_ctx, text, variables)


def quick_text(function: object, string: str) -> Markup | None:
    """Return the translation of a text without variables for HTML, None if it is not at hand.

    Compiled templates ask for it before they call ``function``, which may be another one than
    :func:`gettext` under its name.
    """
    return catalog().markup.get(string) if function is gettext else None


@pass_eval_context
def ngettext(
    eval_ctx: EvalContext, singular: str, plural: str, /, num: int, **variables: Any
) -> str:
    """Translate a text in the plural form that ``num`` needs."""
    variables.setdefault("num", num)
    text = get_translations().ungettext(str(singular), str(plural), num)
    return _fill(eval_ctx, text, variables)


@pass_eval_context
def pgettext(eval_ctx: EvalContext, context: str, string: str, /, **variables: Any) -> str:
    """Translate a text whose meaning depends on a context."""
    variables.setdefault("context", context)
    return _fill(eval_ctx, get_translations().upgettext(context, str(string)), variables)


@pass_eval_context
def npgettext(
    eval_ctx: EvalContext,
    context: str,
    singular: str,
    plural: str,
    /,
    num: int,
    **variables: Any,
) -> str:
    """Translate as ``ngettext``, with a context."""
    variables.setdefault("context", context)
    variables.setdefault("num", num)
    text = get_translations().unpgettext(context, str(singular), str(plural), num)
    return _fill(eval_ctx, text, variables)


def _fill(eval_ctx: EvalContext, text: object, variables: dict[str, Any]) -> str:
    if eval_ctx.autoescape:
        return Markup(text) % variables  # noqa: S704  # escapes the variables
    return str(text) % variables
