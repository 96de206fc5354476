"""Stage 3: compare the behaviour of the original with that of the ported project."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field

from .trial import Answer, Trial

# What differs from run to run, and the way the kit writes the same text.
_VOLATILE = (
    re.compile(r"https?://localhost(:\d+)?"),
    re.compile(r"\b[0-9a-f]{12,}\b"),
    re.compile(r"\b[\w-]{20,}\.[\w-]{6,}\.[\w-]{20,}\b"),  # signed tokens
)
_HIDDEN = re.compile(r"<(script|style|head|template)\b.*?</\1\s*>|<!--.*?-->", re.S | re.I)
_TAG = re.compile(r"<[^>]*>", re.S)


@dataclass
class Proof:
    """One comparison.

    Attributes:
        name: What was compared.
        compared: How many tests or pages.
        differences: A sentence for each one that differs.
        note: What the comparison leaves out.
        may_be_empty: Whether it is fine that there was nothing to compare.
    """

    name: str
    compared: int
    differences: list[str] = field(default_factory=list)
    note: str = ""
    may_be_empty: bool = False

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs, and there was something to compare."""
        return not self.differences and (self.compared > 0 or self.may_be_empty)


def compare_tests(before: Trial, after: Trial) -> Proof:
    """Compare the tests that pass."""
    proof = Proof("The same tests pass", len(before.passed))
    for name in sorted(before.passed - after.passed):
        outcome = after.outcomes.get(name, "did not run")
        message = after.messages.get(name) or after.messages.get(name.partition("::")[0], "")
        proof.differences.append(f"{name} {outcome}: {last_line(message)}")
    return proof


def compare_broken(before: Trial, after: Trial, baseline: Trial) -> Proof:
    """Compare the tests that notice that every view answers 500."""
    tests = baseline.passed
    proof = Proof("With every view answering 500 the same tests fail", len(tests & before.failed))
    for name in sorted((before.failed ^ after.failed) & tests):
        where = "only in the original" if name in before.failed else "only in the ported project"
        proof.differences.append(f"{name} fails {where}")
    if not tests & before.failed and tests:
        proof.compared = len(tests)
        proof.note = "No test notices: the tests do not prove much."
    return proof


def compare_pages(before: Trial, again: list[Trial], after: Trial) -> Proof:
    """Compare the answers of all GET rules; texts only where all runs of the original agree."""
    proof = Proof("All GET rules answer the same", len(before.pages))
    if not before.pages and not after.pages and not before.refused:
        proof.note = "The app has no GET rule, or none that can be called."
        proof.may_be_empty = True
    unstable = 0
    for key, old in before.pages.items():
        new = after.pages.get(key)
        where = f"{key[2]} ({key[1]}, after {key[0]})"
        if new is None:
            proof.differences.append(f"{where} was not asked for")
            continue
        if old.status != new.status:
            proof.differences.append(f"{where}: {shown(old)} before, {shown(new)} now")
            continue
        others = [run.pages.get(key) for run in again]
        if any(each is None or visible(each.text) != visible(old.text) for each in others):
            unstable += 1
        elif old.status and not same_text(old, new):
            proof.differences.append(f"{where}: {first_difference(old, new)}")
        elif old.location != new.location:
            proof.differences.append(f"{where} leads to {new.location}, not to {old.location}")
    if unstable:
        proof.note = f"The text of {unstable} pages differs from run to run: status only."
    return proof


def shown(answer: Answer) -> str:
    """Return the status of an answer, or the error that the view raised."""
    return str(answer.status) if answer.status else f"error {answer.text}"


def same_text(old: Answer, new: Answer) -> bool:
    """Whether two answers have the same visible text, or the same JSON."""
    if old.status >= 300 and old.status < 400:
        return True  # the page of a redirect is for no one; its target is compared
    try:
        return bool(json.loads(old.text) == json.loads(new.text))
    except ValueError:
        return visible(old.text) == visible(new.text)


def visible(text: str) -> str:
    """Return the text that a reader of a page sees, without what differs from run to run."""
    text = html.unescape(_TAG.sub(" ", _HIDDEN.sub(" ", text)))
    for pattern in _VOLATILE:
        text = pattern.sub("", text)
    return " ".join(text.split())


def first_difference(old: Answer, new: Answer) -> str:
    """Return the first words that differ."""
    before, after = visible(old.text).split(), visible(new.text).split()
    for index, word in enumerate(before):
        if index >= len(after) or after[index] != word:
            now = " ".join(after[index : index + 6])
            return f"'{' '.join(before[index : index + 6])}' before, '{now}' now"
    return f"'{' '.join(after[len(before) : len(before) + 6])}' is new"


def last_line(message: str) -> str:
    """Return the line of a traceback that names the error."""
    errors = [line[1:].strip() for line in message.splitlines() if line.startswith("E ")]
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return (errors or lines or ["no message"])[0 if errors else -1][:300]


def place_in(message: str, files: set[str]) -> tuple[str, int] | None:
    """Return the innermost line of a traceback that is in one of these files."""
    for found in reversed(re.findall(r"^(\S+\.py):(\d+): ", message, re.MULTILINE)):
        if found[0] in files:
            return found[0], int(found[1])
    return None
