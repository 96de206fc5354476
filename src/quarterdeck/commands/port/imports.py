"""Stage 1: the imports of Flask and its extensions become imports of the bridge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

BRIDGE = "quarterdeck.bridge"
# Packages that the bridge replaces, and its module for each.
ROOMS = {
    "flask": "flask",
    "flask_bootstrap": "bootstrap",
    "flask_login": "login",
    "flask_mail": "mail",
    "flask_migrate": "migrate",
    "flask_moment": "moment",
    "flask_session": "session",
    "flask_sqlalchemy": "sqlalchemy",
    "flask_wtf": "wtf",
}
# Names that newer versions of the libraries moved or renamed: the module and the name now.
MOVED = {
    "collections.Iterable": ("collections.abc", "Iterable"),
    "collections.Mapping": ("collections.abc", "Mapping"),
    "flask.helpers.safe_join": ("werkzeug.utils", "safe_join"),
    "flask.safe_join": ("werkzeug.utils", "safe_join"),
    "itsdangerous.TimedJSONWebSignatureSerializer": (
        f"{BRIDGE}.old_names",
        "TimedJSONWebSignatureSerializer",
    ),
    "jinja2.Markup": ("markupsafe", "Markup"),
    "jinja2.contextfilter": ("jinja2", "pass_context"),
    "jinja2.contextfunction": ("jinja2", "pass_context"),
    "jinja2.environmentfilter": ("jinja2", "pass_environment"),
    "jinja2.escape": ("markupsafe", "escape"),
    "jinja2.evalcontextfilter": ("jinja2", "pass_eval_context"),
    "threading.Thread": (BRIDGE, "Thread"),
    "werkzeug.check_password_hash": ("werkzeug.security", "check_password_hash"),
    "werkzeug.contrib.fixers.ProxyFix": ("werkzeug.middleware.proxy_fix", "ProxyFix"),
    "werkzeug.generate_password_hash": ("werkzeug.security", "generate_password_hash"),
    "werkzeug.secure_filename": ("werkzeug.utils", "secure_filename"),
    "werkzeug.security.safe_join": ("werkzeug.utils", "safe_join"),
    "werkzeug.security.safe_str_cmp": ("hmac", "compare_digest"),
    "werkzeug.urls.url_encode": ("urllib.parse", "urlencode"),
    "werkzeug.urls.url_join": ("urllib.parse", "urljoin"),
    "werkzeug.urls.url_parse": ("urllib.parse", "urlparse"),
    "werkzeug.urls.url_quote": ("urllib.parse", "quote"),
    "werkzeug.urls.url_quote_plus": ("urllib.parse", "quote_plus"),
    "werkzeug.urls.url_unquote": ("urllib.parse", "unquote"),
    "werkzeug.wsgi.DispatcherMiddleware": (
        "werkzeug.middleware.dispatcher",
        "DispatcherMiddleware",
    ),
    "werkzeug.wsgi.SharedDataMiddleware": (
        "werkzeug.middleware.shared_data",
        "SharedDataMiddleware",
    ),
    "wtforms.TextField": ("wtforms", "StringField"),
    "wtforms.fields.TextField": ("wtforms.fields", "StringField"),
    "wtforms.validators.Required": ("wtforms.validators", "DataRequired"),
}
MOVED_MODULES = {"werkzeug.contrib.cache": "cachelib", "wtforms.fields.html5": "wtforms.fields"}
HOOK = "install_import_hook"


def bridged_module(name: str) -> str | None:
    """Return the module of the bridge that replaces a module of Flask or of an extension."""
    name = plain_name(name)
    top, _, rest = name.partition(".")
    room = ROOMS.get(top)
    if room is None:
        return None
    # Only 'flask' has submodules there; the other rooms are one module each.
    return f"{BRIDGE}.{room}" + (f".{rest}" if rest and top == "flask" else "")


def plain_name(name: str) -> str:
    """Return the name of an extension without ``flask.ext``, which old versions of Flask had."""
    if name.startswith("flask.ext."):
        return "flask_" + name.removeprefix("flask.ext.")
    return name


def flask_name(name: str) -> str:
    """Return the name that a project used before it was bridged, such as ``flask.request``."""
    for package, room in ROOMS.items():
        prefix = f"{BRIDGE}.{room}"
        if name == prefix or name.startswith(prefix + "."):
            return package + name[len(prefix) :]
    return name


def needs_hook(name: str) -> bool:
    """Whether a module is an extension that imports ``flask`` by itself."""
    top = plain_name(name).partition(".")[0]
    return top not in ROOMS and (top.startswith("flask") or top in _FLASK_EXTENSIONS)


_FLASK_EXTENSIONS = {"apiflask", "apifairy", "flasgger", "sqlalchemy_searchable", "authlib"}


def rewrite_imports(tree: cst.Module, local: Iterable[str] = ()) -> cst.Module:
    """Return a module that imports the bridge.

    Args:
        tree: The module.
        local: Packages of the project itself, which may have the name of an extension.
    """
    rewriter = _Imports(frozenset(local))
    changed = tree.visit(rewriter)
    for name in sorted(rewriter.wanted):
        changed = add_import(changed, f"from {BRIDGE} import {name}")
    if rewriter.is_hook_needed:
        changed = _install_hook(changed)
    return changed


def move_names(tree: cst.Module, names: Mapping[str, tuple[str, str]]) -> cst.Module:
    """Return a module that imports some names from other modules.

    Args:
        tree: The module.
        names: The module and the name of now, by the full name of before.
    """
    return tree.visit(_Names(names))


class _Imports(cst.CSTTransformer):
    def __init__(self, local: frozenset[str], moved: Mapping[str, tuple[str, str]] = MOVED) -> None:
        self.local = local
        self.moved = moved
        self.is_hook_needed = False
        self.wanted: set[str] = set()
        self._threading: set[str] = set()

    def _module(self, name: str) -> str:
        if name.partition(".")[0] in self.local:
            return name
        self.is_hook_needed |= needs_hook(name)
        return MOVED_MODULES.get(name) or bridged_module(name) or plain_name(name)

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> cst.SimpleStatementLine | cst.FlattenSentinel[cst.BaseStatement]:
        if len(updated_node.body) != 1:
            body = [
                self._one(part) if isinstance(part, cst.ImportFrom) else part
                for part in updated_node.body
            ]
            return updated_node.with_changes(body=body)
        part = updated_node.body[0]
        if isinstance(part, cst.ImportFrom):
            parts: Sequence[cst.BaseSmallStatement] = self._split(part)
        elif isinstance(part, cst.Import):
            parts = self._plain(part)
        else:
            return updated_node
        if len(parts) == 1:
            return updated_node.with_changes(body=parts)
        first, *others = parts
        lines: list[cst.BaseStatement] = [updated_node.with_changes(body=[first])]
        return cst.FlattenSentinel([*lines, *(cst.SimpleStatementLine([each]) for each in others)])

    def _one(self, node: cst.ImportFrom) -> cst.ImportFrom:
        if node.relative or node.module is None:
            return node
        return node.with_changes(module=dotted(self._module(code_of(node.module))))

    def _split(self, node: cst.ImportFrom) -> list[cst.ImportFrom]:
        """Return an import for each module that the names of one import are in now."""
        if node.relative or node.module is None or isinstance(node.names, cst.ImportStar):
            return [self._one(node)]
        name = code_of(node.module)
        home = self._module(name)
        groups: dict[str, list[cst.ImportAlias]] = {}
        for alias in node.names:
            old = code_of(alias.name)
            moved = self.moved.get(f"{plain_name(name)}.{old}")
            if name.partition(".")[0] in self.local:
                moved = None
            if moved is None:
                groups.setdefault(home, []).append(alias)
                continue
            module, new = moved
            if new != old:
                local = alias.asname or cst.AsName(cst.Name(old))
                alias = alias.with_changes(name=cst.Name(new), asname=local)
            groups.setdefault(module, []).append(alias)
        if set(groups) == {home}:
            names = tuple(groups[home])
            if names == tuple(node.names):
                return [self._one(node)]
            return [node.with_changes(module=dotted(home), names=names)]
        found = []
        for module, aliases in groups.items():
            names = tuple(each.with_changes(comma=cst.MaybeSentinel.DEFAULT) for each in aliases)
            plain = node if module == home else cst.ImportFrom(dotted(module), names)
            if module == home:
                plain = node.with_changes(lpar=None, rpar=None)
            found.append(plain.with_changes(module=dotted(module), names=names))
        return found

    def _plain(self, node: cst.Import) -> list[cst.BaseSmallStatement]:
        aliases, more = [], []
        for alias in node.names:
            name = code_of(alias.name)
            if name == "threading" or name.startswith("threading."):
                self._threading.add(code_of(alias.asname.name) if alias.asname else "threading")
            new = self._module(name)
            if new == name:
                aliases.append(alias)
                continue
            local = alias.asname
            if local is None:
                top = name.partition(".")[0]
                local = cst.AsName(cst.Name(top))
                if "." in name:  # 'import flask.views' binds 'flask'
                    more.append(cst.Import([cst.ImportAlias(dotted(new))]))
                    new = self._module(top)
            aliases.append(alias.with_changes(name=dotted(new), asname=local))
        return [node.with_changes(names=aliases), *more]

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        """Replace ``threading.Thread``."""
        if (
            updated_node.attr.value == "Thread"
            and isinstance(updated_node.value, cst.Name)
            and updated_node.value.value in self._threading
        ):
            self.wanted.add("Thread")
            return cst.Name("Thread", lpar=updated_node.lpar, rpar=updated_node.rpar)
        return updated_node


class _Names(_Imports):
    """Moves names, and leaves everything else."""

    def __init__(self, moved: Mapping[str, tuple[str, str]]) -> None:
        super().__init__(frozenset(), moved)

    def _module(self, name: str) -> str:
        return name

    def leave_Attribute(
        self, original_node: cst.Attribute, updated_node: cst.Attribute
    ) -> cst.BaseExpression:
        return updated_node


def code_of(node: cst.CSTNode) -> str:
    """Return the source code of a node."""
    return cst.Module([]).code_for_node(node)


def dotted(name: str) -> cst.Name | cst.Attribute:
    """Return the node of a dotted name."""
    first, *others = name.split(".")
    node: cst.Name | cst.Attribute = cst.Name(first)
    for part in others:
        node = cst.Attribute(node, cst.Name(part))
    return node


def add_import(tree: cst.Module, line: str) -> cst.Module:
    """Return a module with one more line of import, above its first one."""
    if any(code_of(part).strip() == line for part in tree.body):
        return tree
    body = list(tree.body)
    statement = cst.parse_statement(line, config=tree.config_for_parsing)
    place = _first_import(body)
    if place < len(body):  # the comments above the first import stay where they are
        first = body[place]
        if isinstance(first, cst.SimpleStatementLine):
            statement = statement.with_changes(leading_lines=first.leading_lines)
            body[place] = first.with_changes(leading_lines=())
    body.insert(place, statement)
    return tree.with_changes(body=body)


def _first_import(body: Sequence[cst.BaseStatement]) -> int:
    """Return the index after the docstring and the imports from ``__future__``."""
    place = 0
    for index, statement in enumerate(body):
        if not isinstance(statement, cst.SimpleStatementLine):
            break
        part = statement.body[0]
        is_docstring = index == 0 and isinstance(part, cst.Expr) and code_of(part)[:1] in "\"'rR"
        is_future = (
            isinstance(part, cst.ImportFrom)
            and part.module is not None
            and code_of(part.module) == "__future__"
        )
        if not is_docstring and not is_future:
            break
        place = index + 1
    return place


def _install_hook(tree: cst.Module) -> cst.Module:
    body = list(tree.body)
    call = f"{HOOK}()"
    if any(code_of(part).strip() == call for part in body):
        return tree
    place = _first_import(body)
    lines = [f"from {BRIDGE} import {HOOK}", call]
    new = [cst.parse_statement(line, config=tree.config_for_parsing) for line in lines]
    if place < len(body):
        first = body[place]
        if isinstance(first, cst.SimpleStatementLine):
            new[0] = new[0].with_changes(leading_lines=first.leading_lines)
            body[place] = first.with_changes(leading_lines=[cst.EmptyLine(indent=False)])
    body[place:place] = new
    return tree.with_changes(body=body)
