"""The stages of a move: baseline, bridge, async, proofs."""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import libcst as cst

from .environments import is_of_flask_migrate, of_the_kit
from .findings import Finding
from .functions import Function, add_observed, find_functions
from .imports import BRIDGE, rewrite_imports
from .kinds import Kinds
from .process import Progress
from .project import Module, Project, read, write
from .proof import Proof, compare_broken, compare_pages, compare_tests, last_line, place_in
from .requirements import add_plugin, extras_of, rewrite_requirements
from .rewriting import keep_old_ways, make_async, mark
from .scan import scan, used_packages
from .trial import MAX_REPEATS, PATIENCE, Runner, Trial, copy_project

MAX_SEARCHES = 16  # runs; the suspects that are left then stay plain
MAX_ROUNDS = 3  # of searches, each for the tests that the one before has not seen
MAX_CRAWLS = 2  # of the original, after a difference
Watch = Callable[[str], AbstractContextManager[Progress]]  # shows the progress of one run


@dataclass
class Move:
    """One move of a project, in copies.

    Attributes:
        original: A copy of the project as it is.
        ported: A copy that is changed.
        tests: The arguments of pytest; None if the project has no tests.
        app: The module and the name of the app, for the crawl of a project without tests.
        python: The interpreter of the original.
        watch: Shows the progress of each run.
        is_last_stage_bridge: Whether to stop after the bridge.
        includes_untested: Whether to convert functions that nothing runs.
        patience: Seconds without progress after which a run is stopped.
    """

    original: Path
    ported: Path
    tests: list[str] | None
    app: tuple[str, str] | None
    python: str
    watch: Watch
    is_last_stage_bridge: bool = False
    includes_untested: bool = False
    patience: float = PATIENCE
    kit: str = sys.executable
    baseline: Trial = field(default_factory=Trial)
    bridged: Trial = field(default_factory=Trial)
    final: Trial = field(default_factory=Trial)
    crawled: Trial = field(default_factory=Trial)
    again: list[Trial] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    converted: list[Function] = field(default_factory=list)
    returned: list[tuple[Function, str]] = field(default_factory=list)
    untested: list[Function] = field(default_factory=list)
    files: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Go through all stages."""
        before = Project(self.original)
        self.findings += scan(before)
        is_bridged = uses_bridge(before)
        python = self.kit if is_bridged else self.python
        self._before = Runner(python, self.tests or [], is_bridged, patience=self.patience)
        self._after = Runner(
            self.kit,
            self.tests or [],
            bridged=True,
            patience=self.patience,
            skipped=self._before.skipped,
        )
        if self.tests is not None:
            self.baseline = self._trial(
                self._before, "Baseline", self.original, marks=marks(before)
            )
            if not self.baseline.passed:
                return
            self._note_stops(self.baseline, "The tests of the original are not complete.")
            # A test that hangs is found sooner where the original shows how long tests take.
            self._after.patience = min(self.patience, max(60.0, 5 * self.baseline.longest))
        copy_project(self.original, self.ported)
        if not is_bridged:
            self._bridge(before)
        if self.tests is not None:
            self.bridged = self.final = self._trial(self._after, "Bridge", self.ported)
            self._note_failures()
            if not self.bridged.passed:  # nothing could be compared
                self.proofs.append(compare_tests(self.baseline, self.final))
                return
        if not self.is_last_stage_bridge and self.tests is not None:
            self._convert(self._candidates(self.baseline.ran), "Async")
        self._prove()
        self._convert_the_rest()

    # --- stage 1 ----------------------------------------------------------------------

    def _bridge(self, before: Project) -> None:
        """Rewrite the imports, the requirements and the settings of pytest."""
        local = {
            top
            for module in before.modules.values()
            for top in _top_names(module)
            if before.owns(top, module.path)
        }
        for path, module in before.modules.items():
            if module.is_environment and is_of_flask_migrate(module.text):
                write(self.ported / path, of_the_kit())
                self.files.append(str(path))
            if module.is_environment or (module.is_migration and "flask" not in module.text):
                continue
            try:
                text = rewrite_imports(cst.parse_module(module.text), local).code
            except (cst.ParserSyntaxError, cst.CSTValidationError) as error:
                problem = f"The imports could not be rewritten: {last_line(str(error))}"
                self.findings.append(Finding(str(path), 1, problem, "Write them by hand."))
                continue
            if self.baseline.old_ways and not module.is_test:
                text = keep_old_ways(text, self.baseline.old_ways)
            if text != module.text:
                write(self.ported / path, text)
                self.files.append(str(path))
        kit = extras_of(used_packages(before))
        changed, findings = rewrite_requirements(self.ported, kit)
        self.files += changed
        self.findings += findings
        if self.tests is not None and (settings := add_plugin(self.ported)) not in self.files:
            self.files.append(settings)

    def _note_stops(self, trial: Trial, what: str) -> None:
        """Add a finding for each test that did not end, and for a run that was stopped."""
        ends = {name: why for name, why in self._before.skipped.items() if "::" in name}
        if trial.stopped and trial.stopped_at not in ends:
            ends[trial.stopped_at] = trial.stopped
        for name, why in ends.items():
            path, _, test = name.partition("::")
            subject = f"The test '{test or path}'" if name else "The run"
            cure = "Let it end, raise '--timeout', or leave it out with '--tests'."
            finding = Finding(path or "tests", 0, f"{subject}: {why} {what}", cure)
            self.findings.append(finding)

    def _note_failures(self) -> None:
        """Add a finding for each reason for which tests fail on the bridge."""
        by_reason: dict[str, list[str]] = {}
        for name in sorted(self.baseline.passed - self.bridged.passed):
            by_reason.setdefault(last_line(self._message_of(name)), []).append(name)
        for reason, names in by_reason.items():
            path, _, test = names[0].partition("::")
            others = f" and {len(names) - 1} more tests fail" if len(names) > 1 else " fails"
            problem = f"The test '{test or path}'{others} on the bridge: {reason}"
            cure = "Correct the code that the message names."
            if re.search("ImportError|ModuleNotFoundError|module '.*' has no attribute", reason):
                cure = "Install the version of the package that has this name, or use the new name."
            message = self._message_of(names[0])
            where = place_in(message, {str(each) for each in Project(self.ported).modules})
            self.findings.append(Finding(*(where or (path, 0)), problem, cure))

    def _message_of(self, name: str) -> str:
        """Return the traceback of a test, or of its file if that could not be imported."""
        message = self.bridged.messages.get(name, "")
        if not message and self.bridged.failed:
            files = [file for file in self.bridged.failed if name.startswith(file)]
            message = self.bridged.messages.get(min(files or self.bridged.failed), "")
        return message or self.bridged.output

    # --- stage 2 ----------------------------------------------------------------------

    def _candidates(self, ran: set[tuple[str, str]]) -> list[Function]:
        """Return the functions that can become async and that a run has executed."""
        self._project = Project(self.ported)
        self._kinds = Kinds(self._project)
        found = []
        for function in find_functions(self._kinds):
            observed = self.bridged.waited.get(function.key, []) if self.tests is not None else []
            add_observed(function, observed)
            if function.obstacle and function.awaits:
                self.returned.append((function, function.obstacle))
            elif function.awaits and (function.key in ran or self.includes_untested):
                found.append(function)
            elif function.awaits:
                self.untested.append(function)
        return found

    def _convert(self, candidates: list[Function], label: str) -> None:
        """Make functions async; those that make a test fail go back."""
        if not candidates:
            return
        all_of_them, bad = candidates, list[Function]()
        for _ in range(MAX_ROUNDS):
            self._write([*self.converted, *candidates])
            trial = self._trial(self._after, label, self.ported, repeats=0)
            lost = self.bridged.passed - trial.passed
            if not lost:
                break
            candidates, found = self._settle(candidates, trial, lost)
            bad += found
        if lost:  # the next search would find something else once more
            bad, candidates = all_of_them, []
            self._write(self.converted)
            trial = self._trial(self._after, label, self.ported)
        self.returned += [(function, "A test failed when it was async.") for function in bad]
        self.converted += candidates
        self.final = trial

    def _settle(
        self, candidates: list[Function], trial: Trial, lost: set[str]
    ) -> tuple[list[Function], list[Function]]:
        """Return the functions that can stay async, and those that cannot."""
        if trial.stopped_at in lost:  # what came after it did not run
            lost = {name for name in lost if name in trial.outcomes}
        only = sorted(name for name in lost if "::" in name) or None
        suspects = [f for f in candidates if _is_suspect(f, trial, lost)]
        good = [f for f in candidates if f not in suspects]
        bad: list[Function] = []

        runs = 0

        def is_right(functions: list[Function]) -> bool:
            nonlocal runs
            runs += 1
            self._write([*self.converted, *functions])
            result = self._trial(self._after, "Search", self.ported, only=only, repeats=0)
            return not lost - result.passed

        def add(functions: list[Function], *, is_wrong: bool) -> None:
            """Sort functions; ``is_wrong`` if it is known that they cannot all stay."""
            if not functions or (not is_wrong and is_right([*good, *functions])):
                good.extend(functions)
            elif len(functions) == 1 or runs > MAX_SEARCHES:
                bad.extend(functions)
            else:
                # Tests first: most often a view is the reason.
                functions = sorted(functions, key=lambda each: each.kind)
                middle = sum(each.kind == "test" for each in functions) or len(functions) // 2
                middle = middle if middle < len(functions) else len(functions) // 2
                before = len(bad)
                add(functions[:middle], is_wrong=False)
                add(functions[middle:], is_wrong=len(bad) == before)

        if not suspects or not is_right(good):
            suspects, good = candidates, []
        add(suspects, is_wrong=True)
        return good, bad

    def _write(self, functions: Iterable[Function]) -> None:
        """Write the modules with these functions async, and all others as they were bridged."""
        by_module: dict[PurePosixPath, list[Function]] = {}
        for function in functions:
            by_module.setdefault(function.module.path, []).append(function)
        for path, module in self._project.modules.items():
            text = make_async(self._kinds, module, by_module.get(path, []))
            if read(self.ported / path) != text:
                write(self.ported / path, text)
            if path in by_module and str(path) not in self.files:
                self.files.append(str(path))

    # --- stage 3 ----------------------------------------------------------------------

    def _prove(self) -> None:
        if self.tests is not None:
            self.proofs.append(compare_tests(self.baseline, self.final))
            broken = [
                self._trial(runner, "Proof: every view answers 500", folder, mode="broken")
                for runner, folder in ((self._before, self.original), (self._after, self.ported))
            ]
            self.proofs.append(compare_broken(broken[0], broken[1], self.baseline))
        elif self.app is None:
            return
        label = "Proof: crawl of the original"
        texts = marks(Project(self.original))
        self.crawled = self._trial(self._before, label, self.original, mode="crawl", marks=texts)
        self._crawl()

    def _crawl(self) -> None:
        """Compare all pages; more crawls of the original show which texts never agree."""
        pages = self._trial(self._after, "Proof: crawl", self.ported, mode="crawl")
        proof = compare_pages(self.crawled, self.again, pages)
        for _ in range(MAX_CRAWLS):
            if not proof.differences:
                break
            label = "Proof: crawl of the original, again"
            self.again.append(self._trial(self._before, label, self.original, mode="crawl"))
            proof = compare_pages(self.crawled, self.again, pages)
        proof.note = self.crawled.refused or pages.refused or proof.note
        if endless := sorted(name for name in self._before.skipped if "::" not in name):
            proof.note = f"{proof.note} These answers do not end: {', '.join(endless)}.".strip()
        self.proofs = [each for each in self.proofs if each.name != proof.name]
        self.proofs.append(proof)

    def _convert_the_rest(self) -> None:
        """Convert the functions that only the crawl runs, if it agrees before and after."""
        if self.is_last_stage_bridge or not self.proofs or not self.proofs[-1].is_equal:
            return
        if self.tests is None:
            self._candidates(set())
        ran = [f for f in self.untested if f.key in self.crawled.ran]
        if not ran:
            return
        before, proofs = list(self.converted), list(self.proofs)
        if self.tests is not None:
            self._convert(ran, "Async: pages that only the crawl reads")
        else:
            self.converted += ran
            self._write(self.converted)
        self._crawl()
        if not self.proofs[-1].is_equal:
            self.converted, self.proofs = before, proofs
            self._write(before)
            self.returned += [(f, "The crawl differed when it was async.") for f in ran]
        self.untested = [f for f in self.untested if f not in ran]

    def _trial(
        self,
        runner: Runner,
        label: str,
        folder: Path,
        *,
        mode: str = "tests",
        marks: dict[str, str] | None = None,
        only: list[str] | None = None,
        repeats: int = MAX_REPEATS,
    ) -> Trial:
        app = None if self.tests is not None else self.app
        with self.watch(label) as progress:
            return runner.run(
                folder,
                mode=mode,
                marks=marks,
                only=only,
                app=app,
                progress=progress,
                repeats=repeats,
            )

    def deliver(self, target: Path) -> None:
        """Write the changed files into a folder."""
        for name in self.files:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.ported / name, target / name)


def marks(project: Project) -> dict[str, str]:
    """Return the modules of a project with marks of the functions that can become async."""
    by_module: dict[PurePosixPath, list[Function]] = {}
    for function in find_functions(Kinds(project)):
        by_module.setdefault(function.module.path, []).append(function)
    return {str(path): mark(project.modules[path], each) for path, each in by_module.items()}


def uses_bridge(project: Project) -> bool:
    """Whether the project has been bridged before."""
    return any(BRIDGE in module.text for module in project.modules.values())


def _top_names(module: Module) -> Iterable[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _is_suspect(function: Function, trial: Trial, lost: set[str]) -> bool:
    """Whether a lost test is the function, or its message names it."""
    name = re.compile(rf"\b{re.escape(function.node.name)}\b")
    return any(name.search(test) or name.search(trial.messages.get(test, "")) for test in lost)
