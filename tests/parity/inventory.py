"""List the public surface of installed packages: names, parameters, config keys, commands.

It runs twice: in the virtual environment of the Flask extensions, as a script that needs the
standard library only, and in the environment of the project.

``python inventory.py Flask-Login ...`` prints one JSON object: by distribution its version and
its surface. A surface has a key per name, such as ``LoginManager.user_loader``, with the names of
its parameters, or None where the name stands for something that is not called.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

Surface = dict[str, "list[str] | None"]


@dataclass(frozen=True)
class Package:
    """Where a distribution keeps its public surface.

    Args:
        module: The package or module that users import.
        keys: Matches the config keys in its source.
        globals: Whether templates get names from it, which an app with it shows.
        commands: Where its click group is, as ``"module:attribute"``.
        source_only: Whether it cannot be imported with the Flask of today.
    """

    module: str
    keys: str = r"(?!)"
    globals: bool = False
    commands: str = ""
    source_only: bool = False


PACKAGES = {
    "Flask": Package("flask", commands="flask.cli:cli"),
    "Flask-SQLAlchemy": Package("flask_sqlalchemy", r"SQLALCHEMY_[A-Z_]+"),
    "Flask-Migrate": Package("flask_migrate", r"ALEMBIC_[A-Z_]+", commands="flask_migrate.cli:db"),
    "Flask-Session": Package("flask_session", r"SESSION_[A-Z_]+"),
    "Flask-WTF": Package("flask_wtf", r"(WTF|RECAPTCHA)_[A-Z0-9_]+", globals=True),
    "Flask-Login": Package(
        "flask_login", r"(REMEMBER_COOKIE|LOGIN|SESSION|USE_SESSION)_[A-Z_]+", globals=True
    ),
    "Flask-Mail": Package("flask_mail", r"MAIL_[A-Z_]+"),
    "Flask-Moment": Package("flask_moment", r"MOMENT_[A-Z_]+", globals=True),
    "Flask-Babel": Package("flask_babel", r"BABEL_[A-Z_]+", globals=True),
    "Bootstrap-Flask": Package("flask_bootstrap", r"BOOTSTRAP_[A-Z0-9_]+", globals=True),
    "Flask-APScheduler": Package("flask_apscheduler", r"(SCHEDULER|JOBS)[A-Z_]*"),
    "Flask-SocketIO": Package("flask_socketio", r"SOCKETIO_[A-Z_]+"),
    "Flask-Limiter": Package(
        "flask_limiter", r"RATELIMIT_[A-Z_]+", commands="flask_limiter.commands:cli"
    ),
    "Flask-Talisman": Package("flask_talisman", r"SESSION_[A-Z_]+"),
    "Flask-Script": Package("flask_script", source_only=True),
}


def surface(package: Package) -> Surface:
    """Return all public names of an installed package, each object under its shortest name."""
    if package.source_only:
        return dict(sorted(_read_source(package.module)))
    root = importlib.import_module(package.module)
    found: Surface = {}
    shown: set[int] = set()
    for module in _modules(root):
        prefix = module.__name__[len(root.__name__) + 1 :]
        for name, value in _public(module, root.__name__):
            if id(value) in shown and callable(value):
                continue
            shown.add(id(value))
            dotted = f"{prefix}.{name}" if prefix else name
            found[dotted] = parameters(value)
            if inspect.isclass(value):
                found.update(_members(value, dotted, root.__name__, shown))
        found.update((f"config {key}", None) for key in _config_keys(module, package.keys))
        found.update(_macros(module))
    if root.__name__ == "flask":  # an extension that is one module has imported its class
        found.update((f"config {key}", None) for key in root.Flask.default_config)
    if package.globals:
        found.update((f"template {name}", None) for name in _template_globals(root))
    if package.commands:
        found.update(_commands(package.commands))
    return dict(sorted(found.items()))


def parameters(value: Any) -> list[str] | None:
    """Return the names of the parameters of something callable: ``*`` and ``**`` for variadic."""
    if type(value).__name__ == "LocalProxy" or not callable(value):
        return None
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    marks: dict[Any, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    names = [marks.get(item.kind, "") + name for name, item in signature.parameters.items()]
    return [name for name in names if name not in ("self", "cls")]


def _modules(root: ModuleType) -> Iterator[ModuleType]:
    yield root
    for found in pkgutil.walk_packages(getattr(root, "__path__", ()), root.__name__ + "."):
        parts = found.name.split(".")
        if any(part.startswith("_") or part.endswith("_test") for part in parts):
            continue  # Flask-Talisman ships its tests
        if "templates" in parts:
            continue
        try:
            yield importlib.import_module(found.name)
        except ImportError:  # it needs a package that is not installed
            continue


def _public(module: ModuleType, package: str) -> Iterator[tuple[str, Any]]:
    """Yield what a module defines, or its package lets others import from it."""
    listed = getattr(module, "__all__", None)
    for name in listed or vars(module):
        value = getattr(module, name)
        home = getattr(value, "__module__", None) or ""
        is_signal = type(value).__name__ == "NamedSignal"
        own = home == package or home.startswith(f"{package}.") or is_signal
        if name.startswith("__"):
            continue
        if listed or (not name.startswith("_") and own and not inspect.ismodule(value)):
            yield name, value


def _members(
    cls: type, dotted: str, package: str, shown: set[int]
) -> Iterator[tuple[str, list[str] | None]]:
    """Yield the public attributes of a class, but for those of a base that is listed itself."""
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith(package) or (base is not cls and id(base) in shown):
            continue
        names = {*vars(base), *getattr(base, "__annotations__", {}), *set_by_methods(base)}
        for name in sorted(names):
            if not name.startswith("_"):
                value = inspect.getattr_static(cls, name, None)
                if isinstance(value, (staticmethod, classmethod)):
                    value = value.__func__
                yield f"{dotted}.{name}", parameters(value)


def set_by_methods(cls: type) -> set[str]:
    """Return the names that ``__init__`` and ``init_app`` set on ``self``."""
    found = set()
    for method in ("__init__", "init_app"):
        try:
            source = inspect.getsource(vars(cls)[method])
        except (KeyError, OSError, TypeError):
            continue
        found.update(re.findall(r"^\s+self\.([a-z]\w*)\s*(?::[^=\n]+)?=[^=]", source, re.M))
    return found


def _config_keys(module: ModuleType, pattern: str) -> set[str]:
    """Return the config keys of a module: strings that look like keys of its extension."""
    file = getattr(module, "__file__", None)
    if file is None:
        return set()
    strings = {
        node.value
        for node in ast.walk(ast.parse(Path(file).read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {value for value in strings if re.fullmatch(pattern, value)}


def _macros(module: ModuleType) -> Iterator[tuple[str, list[str]]]:
    """Yield the macros of the templates beside a package."""
    if not hasattr(module, "__path__"):
        return
    folder = Path(next(iter(module.__path__))) / "templates"
    for file in sorted(folder.rglob("*.html")):
        template = file.relative_to(folder).as_posix()
        for name, arguments in re.findall(
            r"\{%-?\s*macro\s+([a-z]\w*)\((.*?)\)\s*-?%\}", file.read_text("utf-8"), re.S
        ):
            call = ast.parse(f"def f({arguments}): pass").body[0]
            assert isinstance(call, ast.FunctionDef)
            yield f"macro {template} {name}", [argument.arg for argument in call.args.args]


def _template_globals(root: ModuleType) -> set[str]:
    """Return the names that an app's templates get from an extension."""
    from flask import Flask  # there in the environment of the extensions only

    def names(app: Flask) -> set[str]:
        found = set(app.jinja_env.globals) | set(app.jinja_env.filters)
        with app.test_request_context():
            for processor in app.template_context_processors[None]:
                found.update(dict(processor()))  # type: ignore[arg-type]
        return found

    plain, extended = Flask("plain"), Flask("extended")
    extended.secret_key = "secret"
    for name in ("LoginManager", "CSRFProtect", "Moment", "Babel", "Bootstrap5"):
        if hasattr(root, name):
            extension = getattr(root, name)(extended)
            if name == "LoginManager":
                extension.user_loader(lambda user_id: None)
    return {name for name in names(extended) - names(plain) if not name.startswith("_")}


def _commands(target: str) -> Iterator[tuple[str, list[str]]]:
    module, _, attribute = target.partition(":")
    yield from commands_of(getattr(importlib.import_module(module), attribute))


def commands_of(group: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield the commands of a click group, each with its options."""
    for name, command in sorted(group.commands.items()):
        names = [option for item in command.params for option in item.opts]
        yield f"command {name}", sorted(names)


def _read_source(package: str) -> Iterator[tuple[str, None]]:
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"'{package}' is not installed"
    for file in sorted(Path(next(iter(spec.submodule_search_locations or ()))).glob("*.py")):
        if file.name.startswith("_") and file.name != "__init__.py":
            continue
        prefix = "" if file.name == "__init__.py" else f"{file.stem}."
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name[0] != "_":
                yield prefix + node.name, None


def main(names: list[str]) -> None:
    """Print the surfaces of some distributions as JSON."""
    result = {name: {"version": version(name), "names": surface(PACKAGES[name])} for name in names}
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:] or list(PACKAGES))
