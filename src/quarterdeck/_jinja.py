"""Quick output and calls of templates, with private names of Jinja and MarkupSafe.

``tests/policies/test_upstreams.py`` checks that the names exist and that no other ones are used.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CoroutineType, FunctionType, MethodType
from typing import Any

import markupsafe
from jinja2 import nodes, pass_eval_context
from jinja2.compiler import CodeGenerator as BaseCodeGenerator
from jinja2.compiler import Frame
from jinja2.runtime import Context as BaseContext
from jinja2.runtime import Macro
from markupsafe import Markup, escape

from ._unawaited import Call, error_of

__all__ = ["PRIVATE", "CodeGenerator", "Context", "output", "output_text"]

#: "module:name" with the reason. The bounds in pyproject.toml name the versions.
PRIVATE = {
    "jinja2:Environment._load_template": "templates without globals share those of all",
    "jinja2.compiler:CodeGenerator._output_child_pre": "what is written around each output",
    "markupsafe:_escape_inner": "the escaped text of a string as a plain string",
}

_EVAL_CONTEXT = vars(pass_eval_context(lambda: None))["jinja_pass_arg"]
_PLAIN = (FunctionType, MethodType)
_CALLS = (CoroutineType, Call)
_escape_inner: Callable[[str], str] = vars(markupsafe)["_escape_inner"]


def output(value: Any) -> str:
    """Return a value as ``escape`` would, but for the type: output is only concatenated."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]  # a Markup is a str
    if kind is int:
        return str(value)
    _refuse_call(value, kind)
    return escape(value)


def output_text(value: Any) -> str:
    """Return a value as ``str`` would, for templates without escaping."""
    _refuse_call(value, type(value))
    return str(value)


def _refuse_call(value: Any, kind: type) -> None:
    if kind in _CALLS and (not_awaited := error_of(value, in_template=True)) is not None:
        raise not_awaited


class CodeGenerator(BaseCodeGenerator):
    """Writes templates that use ``environment.output`` and ``environment.output_text``."""

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile:
            super()._output_child_pre(node, frame, finalize)
            return
        escapes = frame.eval_ctx.autoescape
        self.write("environment.output(" if escapes else "environment.output_text(")
        if finalize.src is not None:
            self.write(finalize.src)

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Write the call of ``_("Save")`` so that ``environment.quick_text`` is asked first."""
        if forward_caller or (text := self._quick(node, frame)) is None:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.write("(environment.quick_text(")
        self.visit(node.node, frame)
        self.write(f", {text!r}) or ")
        super().visit_Call(node, frame)
        self.write(")")

    def _quick(self, node: nodes.Call, frame: Frame) -> str | None:
        """Return the constant text that a function of texts is called with, in HTML."""
        names = getattr(self.environment, "quick_names", ())
        if not (isinstance(node.node, nodes.Name) and node.node.name in names):
            return None
        if node.kwargs or node.dyn_args or node.dyn_kwargs or len(node.args) != 1:
            return None
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            return None
        (text,) = node.args
        if isinstance(text, nodes.Const) and isinstance(text.value, str):
            return text.value
        return None


class Context(BaseContext):
    """A context that calls macros and functions without looking for marks that they cannot have."""

    def call(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        kind = type(function)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind not in _PLAIN:
            return super().call(function, *args, **kwargs)
        elif (wanted := getattr(function, "jinja_pass_arg", None)) is not None:
            if wanted is not _EVAL_CONTEXT:
                return super().call(function, *args, **kwargs)
            args = (self.eval_ctx, *args)
        if kwargs:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        try:
            return function(*args, **kwargs)
        except StopIteration:  # as in Jinja
            return self.environment.undefined(
                "value was undefined because a callable raised a StopIteration exception"
            )
