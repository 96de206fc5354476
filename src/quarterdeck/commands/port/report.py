"""Stage 4: the report of a move, in plain English."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .findings import Finding
from .moving import Move
from .proof import last_line

_WIDTH = 72


def needs_person(move: Move) -> bool:
    """Whether the report has a point under NEEDS YOU."""
    return bool(problems(move))


def problems(move: Move) -> list[Finding]:
    """Return all places that need a person."""
    found = list(move.findings)
    for proof in move.proofs:
        if not proof.is_equal and not proof.name.startswith("The same tests"):
            count = len(proof.differences)
            problem = f"{proof.name}: {count} differ." if count else f"{proof.name}: not compared."
            cure = "Compare the lines under PROOFS with the original."
            found.append(Finding("proof", 0, problem, cure if count else proof.note or cure))
    return found


def report(move: Move) -> str:
    """Return the report as text."""
    parts = [
        _title(move),
        *_done(move),
        *_bridge(move),
        *_needs(move),
        *_proofs(move),
        *_next(move),
    ]
    return "\n".join(parts) + "\n"


def _title(move: Move) -> str:
    if move.tests is None:
        tests = "The project has no tests."
    else:
        kept = len(move.baseline.passed & move.final.passed)
        tests = f"{kept} of {len(move.baseline.passed)} tests pass as before."
    return f"Report of 'quarterdeck port'\n\n{tests} {len(move.files)} files changed."


def _head(title: str) -> list[str]:
    return ["", title, "=" * len(title)]


def _done(move: Move) -> Iterator[str]:
    kinds = Counter(function.kind for function in move.converted)
    yield from _head("DONE")
    if kinds:
        names = {"view": "views", "hook": "hooks and loaders", "test": "tests"}
        counts = ", ".join(f"{count} {names[kind]}" for kind, count in sorted(kinds.items()))
        awaits = sum(len(function.awaits) for function in move.converted)
        yield f"Functions that are async now: {counts}; {awaits} awaits."
    else:
        yield "No function is async yet."
    for name in move.files:
        functions = sum(str(f.module.path) == name for f in move.converted)
        yield f"  {name}" + (f": {functions} async functions" if functions else "")


def _bridge(move: Move) -> Iterator[str]:
    yield from _head("DONE WITH BRIDGE")
    waits = sorted(move.final.waits, key=lambda w: -float(w["seconds"]))
    if not waits and not move.returned and not move.untested:
        yield "Nothing waits on the bridge."
        return
    if waits:
        yield "These plain functions wait on the bridge. They work; a cure makes them faster."
        yield f"  {'times':>6} {'seconds':>8}  place and operation"
    for wait in waits[:40]:
        place = f"{wait['file']}:{wait['line']}"
        what = wait["what"] if wait["kind"] == "wait" else f"{wait['kind']} of {wait['what']}"
        cure = f" Cure: {wait['cure']}" if wait.get("cure") else ""
        yield f"  {wait['count']:>6} {wait['seconds']:>8.3f}  {place} {what}.{cure}"
    if len(waits) > 40:
        yield f"  and {len(waits) - 40} more places"
    if move.returned:
        yield "These functions stay plain:"
        for function, reason in move.returned:
            yield f"  {function.module.path}:{function.node.lineno} {function.name}: {reason}"
    if move.untested:
        yield "No test and no page ran these functions; '--untested' makes them async, too:"
        for function in move.untested:
            yield f"  {function.module.path}:{function.node.lineno} {function.name}"


def _needs(move: Move) -> Iterator[str]:
    yield from _head("NEEDS YOU")
    found = problems(move)
    if not found:
        yield "Nothing."
    for finding in found:
        yield f"  {finding}"


def _proofs(move: Move) -> Iterator[str]:
    yield from _head("PROOFS")
    if not move.proofs:
        yield "None: the project has no tests, and no app was found. Name one with '--app'."
    if failed := sorted(move.baseline.failed):
        yield "  These tests fail in the original already, and prove nothing:"
        for name in failed[:20]:
            yield f"    {name}: {last_line(move.baseline.messages.get(name, ''))}"
        if len(failed) > 20:
            yield f"    and {len(failed) - 20} more"
    for proof in move.proofs:
        result = "equal" if proof.is_equal else f"{len(proof.differences)} differences"
        yield f"  {proof.name}: {result} ({proof.compared} compared)."
        if proof.note:
            yield f"    {proof.note}"
        for difference in proof.differences[:20]:
            yield f"    {difference}"
        if len(proof.differences) > 20:
            yield f"    and {len(proof.differences) - 20} more"


def _next(move: Move) -> Iterator[str]:
    yield from _head("NEXT STEPS")
    yield "1. Read the changes, and go through NEEDS YOU."
    yield "2. Start the app with 'quarterdeck serve MODULE:APP' in place of a WSGI server."
    yield "3. Make functions of DONE WITH BRIDGE async one by one. Then run 'quarterdeck port' with"
    yield "   '--finish': files that need the bridge no more leave it."
