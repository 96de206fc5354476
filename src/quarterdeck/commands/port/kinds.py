"""What the objects of a project are, as far as its source shows it."""

from __future__ import annotations

import ast

from .imports import flask_name
from .project import Module, Project

# The operations of each kind that the bridge gives to an async function as an awaitable.
OPERATIONS: dict[str, frozenset[str]] = {
    "client": frozenset(
        {"delete", "get", "head", "open", "options", "patch", "post", "put", "trace"}
    ),
    "connection": frozenset({"send", "send_message"}),
    "db": frozenset(
        {"create_all", "drop_all", "first_or_404", "get_or_404", "one_or_404", "paginate"}
        | {"reflect"}
    ),
    "file": frozenset({"save"}),
    "form": frozenset({"validate", "validate_on_submit"}),
    "mail": frozenset({"send", "send_message"}),
    "query": frozenset(
        {"all", "count", "delete", "first", "first_or_404", "get", "get_or_404", "one"}
        | {"one_or_404", "one_or_none", "paginate", "scalar", "update"}
    ),
    "request": frozenset({"get_data", "get_json"}),
    "response": frozenset({"get_data", "get_json"}),
    "session": frozenset(
        {"commit", "delete", "execute", "flush", "get", "merge", "refresh", "remove", "rollback"}
        | {"scalar", "scalars", "close", "get_one"}
    ),
}
PROPERTIES: dict[str, frozenset[str]] = {
    "request": frozenset({"data", "files", "form", "json", "values"}),
    "response": frozenset({"data", "json"}),
}
FUNCTIONS = frozenset(
    {
        "flask.flash",
        "flask.make_response",
        "flask.render_template",
        "flask.render_template_string",
        "flask.send_file",
        "flask.send_from_directory",
        "flask.stream_template",
        "flask.stream_template_string",
    }
)
_BASES = {
    "flask_wtf.FlaskForm": "form",
    "flask_wtf.Form": "form",
    "flask_wtf.form.FlaskForm": "form",
    "flask_wtf.form.Form": "form",
    "unittest.TestCase": "test case",
    "quarterdeck.bridge.testing.TestCase": "test case",
    "flask.views.MethodView": "view",
    "flask.views.View": "view",
    "flask_sqlalchemy.SQLAlchemy": "database class",
    "flask.Flask": "app class",
}
_MADE = {
    "flask_sqlalchemy.SQLAlchemy": "db",
    "flask_mail.Mail": "mail",
    "flask.Flask": "app",
    "flask.Blueprint": "blueprint",
    "flask_login.LoginManager": "login manager",
}


class Kinds:
    """The kinds of the names of a project.

    Attributes:
        of: The kind by full name, such as ``app/extensions.py::db``.
        dynamic: The names of relationships that give a query.
        called: The names of functions that the project calls by name.
        hooks: The names of functions that are passed to the framework.
        methods: The last names of all methods that are called.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.of: dict[str, str] = {}
        self.dynamic: set[str] = set()
        self.called: set[str] = set()
        self.hooks: set[str] = set()
        self.methods: set[str] = set()
        for module in project.modules.values():
            self._assignments(module)
        for _ in range(8):  # until classes of classes are known
            before = len(self.of)
            for module in project.modules.values():
                self._classes(module)
            if len(self.of) == before:
                break
        for module in project.modules.values():
            self._relationships(module)
            self._uses(module)

    def name(self, module: Module, dotted: str) -> str:
        """Return the full name of a dotted name, with the names of Flask before the bridge."""
        return flask_name(self.project.origin(module, dotted))

    def _assignments(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
                continue
            made = self.name(module, dotted(node.value.func))
            kind = _MADE.get(made)
            for target in node.targets:
                if kind and isinstance(target, ast.Name):
                    self.of[f"{module.path}::{target.id}"] = kind

    def _classes(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for base in node.bases:
                full = self.name(module, dotted(base))
                kind = _BASES.get(full) or self.of.get(full)
                owner, _, last = full.rpartition(".")
                if last == "Model" and self.of.get(owner) == "db":
                    kind = "model"
                if kind in ("form", "test case", "view", "database class", "model", "app class"):
                    self.of[f"{module.path}::{node.name}"] = kind
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                kind = self.of.get(self.name(module, dotted(node.value.func)))
                made = {"database class": "db", "app class": "app"}.get(kind or "")
                for target in node.targets:
                    if made and isinstance(target, ast.Name):
                        self.of[f"{module.path}::{target.id}"] = made

    def _relationships(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Assign | ast.AnnAssign):
                continue
            call = node.value
            if not isinstance(call, ast.Call) or last_of(call.func) not in _RELATIONSHIPS:
                continue
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_dynamic = last_of(call.func) == "dynamic_loader" or _is_dynamic(call)
            if is_dynamic:
                self.dynamic |= {t.id for t in targets if isinstance(t, ast.Name)}
            for option in call.keywords:
                back = option.value
                if option.arg != "backref" or not isinstance(back, ast.Call):
                    continue
                if _is_dynamic(back) and back.args and isinstance(back.args[0], ast.Constant):
                    self.dynamic.add(str(back.args[0].value))

    def _uses(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Call):
                continue
            name = dotted(node.func)
            if isinstance(node.func, ast.Attribute):
                self.methods.add(node.func.attr)
            if name:
                self.called.add(self.name(module, name))
                if name.startswith(("self.", "cls.")):
                    self.called.add(f"{module.path}::.{name.rpartition('.')[2]}")
            if last_of(node.func) in HOOKS and len(node.args) >= 1:
                for argument in node.args:
                    self.hooks.add(self.name(module, dotted(argument)))
            if last_of(node.func) == "add_url_rule":
                values = [
                    *node.args[2:3],
                    *(k.value for k in node.keywords if k.arg == "view_func"),
                ]
                self.hooks |= {self.name(module, dotted(value)) for value in values}


_RELATIONSHIPS = {"dynamic_loader", "relationship"}
# The methods of apps and blueprints that register a function which the framework awaits.
HOOKS = frozenset(
    {
        "after_app_request",
        "after_request",
        "app_context_processor",
        "app_errorhandler",
        "before_app_first_request",
        "before_app_request",
        "before_first_request",
        "before_request",
        "context_processor",
        "errorhandler",
        "register_error_handler",
        "teardown_app_request",
        "teardown_appcontext",
        "teardown_request",
        "user_loader",
        "request_loader",
        "unauthorized_handler",
        "needs_refresh_handler",
    }
)
ROUTES = frozenset({"delete", "endpoint", "get", "patch", "post", "put", "route"})


def _is_dynamic(call: ast.Call) -> bool:
    return any(
        option.arg == "lazy"
        and isinstance(option.value, ast.Constant)
        and option.value.value == "dynamic"
        for option in call.keywords
    )


def dotted(node: ast.AST) -> str:
    """Return a name with attributes as text; "" for any other expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


def last_of(node: ast.AST) -> str:
    """Return the last part of a name, or of the name that is called."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    return last_of(node.func) if isinstance(node, ast.Call) else ""


class Scope:
    """The kinds of the expressions in one function."""

    def __init__(self, kinds: Kinds, module: Module, function: ast.AST, owner: str = "") -> None:
        self.kinds = kinds
        self.module = module
        self.owner = owner  # the class of the function
        self._local: dict[str, str] = {}
        self._known: dict[ast.AST, str] = {}  # a chain asks for each of its parts many times
        assigned = [
            (target.id, node.value)
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        ]
        assigned += [
            (item.optional_vars.id, item.context_expr)
            for node in ast.walk(function)
            if isinstance(node, ast.With | ast.AsyncWith)
            for item in node.items
            if isinstance(item.optional_vars, ast.Name)
        ]
        self._assigned = {name for name, _ in assigned}
        for _ in range(3):
            self._known.clear()
            for name, value in assigned:
                if kind := self.kind(value):
                    self._local.setdefault(name, kind)
        self._known.clear()

    def kind(self, node: ast.AST) -> str:
        """Return the kind of an expression; "" if the source does not show it."""
        if node not in self._known:
            self._known[node] = self._find_kind(node)
        return self._known[node]

    def _find_kind(self, node: ast.AST) -> str:
        if isinstance(node, ast.Await):
            return self.kind(node.value)
        if isinstance(node, ast.BoolOp):
            return self.kind(node.values[0])
        if isinstance(node, ast.Subscript):
            return "file" if self._is_files(node.value) else ""
        if isinstance(node, ast.Call):
            return self._kind_of_call(node)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._kind_of_name(node)
        return ""

    def _kind_of_name(self, node: ast.Name | ast.Attribute) -> str:
        if isinstance(node, ast.Name) and node.id in self._local:
            return self._local[node.id]
        name = dotted(node)
        full = self.kinds.name(self.module, name) if name else ""
        is_local = isinstance(node, ast.Name) and node.id in self._assigned
        if full and not is_local:
            if full == "flask.request":
                return "request"
            if known := self.kinds.of.get(full):
                return known
        last = last_of(node)
        if isinstance(node, ast.Attribute):
            base = self.kind(node.value)
            if last == "session" and (base == "db" or last_of(node.value) == "db"):
                return "session"
            if last == "query" and (base == "model" or dotted(node.value) == "cls"):
                return "query"
            if last in self.kinds.dynamic:
                return "query"
        if self.module.is_test:
            if last == "client" or last.endswith("_client"):
                return "client"
            if last == "db":
                return "db"
        return ""

    def _kind_of_call(self, node: ast.Call) -> str:
        function = node.func
        made = self.kind(function)
        if made == "form":
            return "form"
        if isinstance(function, ast.Name | ast.Attribute) and made == "":
            kind = _MADE.get(self.kinds.name(self.module, dotted(function)), "")
            if kind:
                return kind
        if not isinstance(function, ast.Attribute):
            return ""
        base, name = self.kind(function.value), function.attr
        if name == "test_client":
            return "client"
        if base == "client" and name in OPERATIONS["client"]:
            return "response"
        if base == "mail" and name == "connect":
            return "connection"
        if base == "session" and name == "query":
            return "query"
        if base == "query" and name not in OPERATIONS["query"]:
            return "query"
        if self._is_files(function.value) and name == "get":
            return "file"
        return ""

    def _is_files(self, node: ast.AST) -> bool:
        node = node.value if isinstance(node, ast.Await) else node
        return (
            isinstance(node, ast.Attribute)
            and node.attr == "files"
            and self.kind(node.value) == "request"
        )

    def is_awaitable(self, node: ast.AST) -> bool:
        """Whether the bridge gives an awaitable for an expression in an async function."""
        if isinstance(node, ast.Call):
            function = node.func
            name = dotted(function)
            if name and self.kinds.name(self.module, name) in FUNCTIONS:
                return True
            if isinstance(function, ast.Attribute):
                kind = self.kind(function.value)
                if function.attr == "make_response" and kind == "app":
                    return True
                return function.attr in OPERATIONS.get(kind, ())
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            return node.attr in PROPERTIES.get(self.kind(node.value), ())
        return False
