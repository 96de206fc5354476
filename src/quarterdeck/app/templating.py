"""Templates rendered without Jinja's async mode, unless the app asks for it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, MutableMapping
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.utils import LRUCache, missing
from markupsafe import Markup
from quart.ctx import has_app_context, has_request_context
from quart.templating import Environment as QuartEnvironment

from quarterdeck._jinja import CodeGenerator, Context, output, output_text
from quarterdeck._missing_extensions import hint_for_name, hint_for_template
from quarterdeck._quart import current_app_context, current_request_context

if TYPE_CHECKING:
    from .application import Quart


MAX_STRINGS = 100  # compiled templates of ``render_template_string``
MAX_LENGTH = 20_000  # characters of such a template that is kept


class Template(jinja2.Template):
    """A template that can always be awaited, whatever its environment's mode."""

    async def render_async(self, *args: Any, **kwargs: Any) -> str:
        if self.environment.is_async:
            return await super().render_async(*args, **kwargs)
        return self.render(*args, **kwargs)

    async def generate_async(self, *args: Any, **kwargs: Any) -> AsyncGenerator[str, object]:
        if self.environment.is_async:
            async for chunk in super().generate_async(*args, **kwargs):
                yield chunk
        else:
            for chunk in self.generate(*args, **kwargs):
                yield chunk


class Undefined(jinja2.Undefined):
    """A missing variable. If an extension of the kit provides it, the error names the extension."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        if hint is None and obj is missing:
            hint = hint_for_name(name)
        super().__init__(hint, obj, name, exc)


class Environment(QuartEnvironment):
    """The app's Jinja environment; async only with ``JINJA_ASYNC``."""

    template_class = Template
    code_generator_class = CodeGenerator
    context_class = Context
    output = staticmethod(output)
    output_text = staticmethod(output_text)
    #: Set by ``quarterdeck.babel``: names of functions, and what returns their texts if it can.
    quick_names: Collection[str] = ()
    quick_text: Callable[[Any, str], Markup | None] | None = None

    def __init__(self, app: Quart, **options: Any) -> None:
        options.setdefault("loader", app.create_global_jinja_loader())
        if options.get("auto_reload") is None:  # Quart takes None for False, also with DEBUG
            options["auto_reload"] = app.debug
        options.setdefault("undefined", Undefined)
        options["enable_async"] = app.config["JINJA_ASYNC"]
        self._from_strings = LRUCache(MAX_STRINGS)
        jinja2.Environment.__init__(self, **options)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template: those of the environment themselves, if it adds none.

        Jinja lays a mapping over them, whose names each import in a page would compare in Python.
        """
        return super().make_globals(d) if d else self.globals

    def _load_template(
        self, name: str, globals: MutableMapping[str, Any] | None
    ) -> jinja2.Template:
        template = super()._load_template(name, None)
        if globals:
            if template.globals is self.globals:
                template.globals = super().make_globals(None)
            template.globals.update(globals)
        return template

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> jinja2.Template:
        """Load a template, as in Jinja.

        Raises:
            TemplateNotFound: If there is none; names the extension that brings it.
        """
        try:
            return super().get_template(name, parent, globals)
        except jinja2.TemplateNotFound as error:
            if type(error) is jinja2.TemplateNotFound and (hint := hint_for_template(error.name)):
                raise jinja2.TemplateNotFound(error.name, hint) from None
            raise

    def from_string(
        self,
        source: str | nodes.Template,
        globals: MutableMapping[str, Any] | None = None,
        template_class: type[jinja2.Template] | None = None,
    ) -> jinja2.Template:
        """Compile a template, or return it if it was compiled before.

        At most ``MAX_STRINGS`` are kept, those of at most ``MAX_LENGTH`` characters each.
        """
        is_kept = (
            isinstance(source, str)
            and len(source) <= MAX_LENGTH
            and not (globals or template_class or self.overlayed)
        )
        if not is_kept:
            return super().from_string(source, globals, template_class)
        template: jinja2.Template | None = self._from_strings.get(source)
        if template is None:
            template = self._from_strings[source] = super().from_string(source)
        return template


async def template_context() -> dict[str, Any]:
    """The variables of every template beside the globals.

    The session is a global only: putting it here would count as reading it, and
    every page would vary by cookie.
    """
    context: dict[str, Any] = {}
    if has_app_context():
        context["g"] = current_app_context().g
    if has_request_context():
        context["request"] = current_request_context().request
    return context
