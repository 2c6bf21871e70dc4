"""`casepilot rules`: the rule lab on the command line. It works on files alone, without any server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from rich.table import Table

from adapters.starter.loader import rules as starter_rules
from adapters.starter.loader import schema
from adapters.starter.rulefiles import read_file, to_yaml
from domain.errors import DataFileError
from domain.rules.analyse import Finding, Kind, Prover, analyse
from domain.rules.backtest import Past, Report, backtest
from domain.rules.diff import Difference, actions, diff, sentence, spoken
from domain.rules.explain import reason, smallest_change
from domain.rules.facts import Facts, RuleError, Schema
from domain.rules.jsonlogic import Program
from domain.rules.rule import Rule
from domain.rules.ruleset import RuleSet, problems, read_ruleset
from entrypoints.cli.output import complain, progress, results, show, show_json
from ports.errors import Refused

MARK = {True: "yes", False: "no", None: "unknown"}


def check(paths: Sequence[Path], *, as_json: bool) -> bool:
    """Say everything that is wrong; return whether nothing is."""
    found: list[dict[str, object]] = []
    for path in paths:
        try:
            raw = read_file(path)
        except (RuleError, DataFileError) as error:
            found.append({"file": str(path), "errors": [str(error)], "rules": 0})
            continue
        errors = [str(problem) for problem in problems(raw, str(path), schema())]
        ruleset = None if errors else read_ruleset(raw, str(path), schema())
        if ruleset is not None:
            errors = [finding.message for finding in analyse(ruleset) if finding.is_error]
        found.append({"file": str(path), "errors": errors, "rules": len(ruleset.all) if ruleset else 0})
    if as_json:
        show_json(found)
    else:
        for one in found:
            _print_checked(one)
    return not any(one["errors"] for one in found)


def test(path: Path, *, as_json: bool) -> bool:
    """Run the examples that the rules carry; return whether all come out right."""
    raw = read_file(path)
    errors = problems(raw, str(path), schema())
    count = 0
    if not errors:
        ruleset = read_ruleset(raw, str(path), schema())
        count = sum(len(rule.examples) for rule in ruleset.all)
        without = [rule.id for rule in ruleset.all if not rule.examples]
    else:
        without = []
    if as_json:
        show_json({"examples": count, "errors": [str(e) for e in errors], "without_examples": without})
    else:
        for error in errors:
            show(f"failed  {error}")
        if not errors:
            show(f"{count} examples hold.")
        for name in without:
            show(f"note    {name} has no example.")
    return not errors


def load(path: Path | None) -> RuleSet:
    """A rule set from a file, or the starter rules. Raises `RuleError`, `DataFileError`."""
    if path is None:
        return starter_rules()[0]
    return read_ruleset(read_file(path), str(path), schema())


def prover(known: Schema, timeout: float) -> Prover:
    """The solver of the extra 'prove', with seconds for each question. Raises `Refused` without it."""
    try:
        from domain.rules.prove import Solver  # noqa: PLC0415  # an optional extra
    except ModuleNotFoundError as error:
        raise Refused("--prove needs the solver: pip install 'casepilot[prove]'.") from error
    return Solver(known, round(timeout * 1_000))


def analysed(ruleset: RuleSet, turns: Iterable[Past], with_prover: Prover | None) -> tuple[Finding, ...]:
    """What the analysis finds, weighed by past turns."""
    return analyse(ruleset, [turn.facts for turn in turns], with_prover)


def show_analysis(findings: Sequence[Finding], *, overlaps: bool, as_json: bool) -> bool:
    """Print what was found; return whether nothing keeps the set from being published."""
    together = [finding for finding in findings if finding.kind is Kind.OVERLAP]
    if together and not overlaps and not as_json:
        findings = [finding for finding in findings if finding.kind is not Kind.OVERLAP]
        show(f"{len(together)} pairs of rules can fire together, the first by priority decides.")
    if as_json:
        show_json([_finding(finding) for finding in findings])
    elif not findings:
        show("Nothing found.")
    else:
        table = Table(box=None, pad_edge=False)
        for column in ("Finding", "What", "Shown by", "Past turns"):
            table.add_column(column, overflow="fold")
        for finding in findings:
            weight = "" if finding.weight is None else f"{finding.weight:,}"
            table.add_row(finding.kind, finding.message, _facts(finding.witness or {}), weight)
        results.print(table)
    return not any(finding.is_error for finding in findings)


def rehearse(
    draft: RuleSet, live: RuleSet, turns: Iterable[Past], staffing: Mapping[str, float]
) -> tuple[Report, float]:
    """Replay past turns under both sets, with a progress bar; and the seconds that took."""
    began = perf_counter()
    with progress() as bar:
        task = bar.add_task("Replaying", total=None)

        def going_on(done: int) -> bool:
            bar.update(task, completed=done)
            return True

        report = backtest(live, draft, turns, staffing, going_on)
    return report, round(perf_counter() - began, 2)


def read_staffing(path: Path | None) -> dict[str, float]:
    """Handovers an hour by queue. Raises `DataFileError`."""
    if path is None:
        return {}
    try:
        return msgspec.convert(read_file(path), dict[str, float])
    except msgspec.ValidationError as error:
        raise DataFileError("bad_staffing", f"{path}: {error}; write 'queue: 6' lines.") from error


def show_report(report: Report, seconds: float, *, as_json: bool) -> None:
    """Print what would differ."""
    if as_json:
        show_json({**msgspec.to_builtins(report), "seconds": seconds})
    else:
        _print_report(report, seconds)


def explain(ruleset: RuleSet, facts: Facts, only: str | None, *, as_json: bool) -> None:
    """Say what the rules make of some facts, and for a rule that did not fire what would have."""
    rules = [rule for rule in ruleset.rules if only is None or rule.id == only]
    if only is not None and not rules:
        raise RuleError("unknown_rule", f"There is no rule '{only}' in this set.")
    known = ruleset.schema.known(facts)
    told = [_told(rule, ruleset, facts) for rule in rules]
    directive = ruleset.directive(known)
    if as_json:
        show_json({"directive": directive, "rules": told})
        return
    for rule, one in zip(rules, told, strict=True):
        show(f"{rule.id}  {rule.name}: {_fires(one['verdict'])}")
        if one["verdict"] is not True and only is None:
            continue
        show(f"    when {one['sentence']}")
        for checked in one["decided_by"]:
            show(f"    {checked['field']} was {checked['actual']!r}: {MARK[checked['holds']]}")
        for change in one["would_turn"] or ():
            show(f"    would turn if {change['field']} were {change['instead']!r}")
    show(f"Together: {msgspec.json.encode(directive).decode()}")


def show_diff(found: Sequence[Difference], *, as_json: bool) -> bool:
    """Print the differences; return whether there are none."""
    if as_json:
        show_json(found)
    elif not found:
        show("No difference.")
    for one in found if not as_json else ():
        show(f"{one.rule}  {one.kind}")
        for sign, text in (("-", one.before), ("+", one.after)):
            if text:
                show(f"  {sign} {text}")
    return not found


def differences(old: Path, new: Path) -> tuple[Difference, ...]:
    """What changed from one file to the other."""
    return diff(load(old), load(new))


def convert(path: Path) -> str:
    """A rule file as YAML."""
    raw = read_file(path)
    read_ruleset(raw, str(path), schema())
    return to_yaml(raw)


def say(ruleset: RuleSet, *, as_json: bool) -> None:
    """Every rule as a sentence."""
    if as_json:
        show_json({rule.id: spoken(rule, ruleset.schema) for rule in ruleset.all})
        return
    for rule in ruleset.all:
        show(f"{rule.id}  {rule.name}")
        show(f"    When {sentence(rule.condition, ruleset.schema)}: {actions(rule)}.")


def read_turns(path: Path) -> Iterator[Past]:
    """Past turns from a file of JSON lines with id, at and facts. Raises `DataFileError` naming the line."""
    decoder = msgspec.json.Decoder(Past)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    yield decoder.decode(line)
                except msgspec.DecodeError as error:
                    raise DataFileError("bad_line", f"{path}, line {number}: {error}.") from error
    except OSError as error:
        raise DataFileError("unreadable", f"{path}: {error.strerror or error}.") from error


def read_facts(text: str) -> Facts:
    """Facts from JSON, or from a file of JSON after an '@'."""
    source = read_file(Path(text[1:])) if text.startswith("@") else msgspec.json.decode(text.encode())
    facts: Facts = msgspec.convert(source, Facts)
    return facts


def _told(rule: Rule, ruleset: RuleSet, facts: Facts) -> dict[str, Any]:
    if isinstance(rule.condition, Program):
        held = rule.condition.verdict(ruleset.schema.known(facts))
        said = sentence(rule.condition, ruleset.schema)
        return {"rule": rule.id, "verdict": held, "sentence": said, "decided_by": [], "would_turn": None}
    told: dict[str, Any] = msgspec.to_builtins(reason(rule.condition, facts, ruleset.schema))
    change = smallest_change(rule.condition, facts, ruleset.schema)
    return {"rule": rule.id, **told, "would_turn": msgspec.to_builtins(change)}


def _fires(verdict: bool | None) -> str:  # noqa: FBT001  # a verdict is three-valued
    return {True: "fires", False: "does not fire", None: "does not fire: facts are missing"}[verdict]


def _finding(finding: Finding) -> dict[str, Any]:
    return {**msgspec.to_builtins(finding), "is_error": finding.is_error}


def _facts(facts: Facts) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in facts.items())


def _print_checked(one: dict[str, Any]) -> None:
    if one["errors"]:
        for error in one["errors"]:
            complain(error)
    else:
        show(f"{one['file']}: {one['rules']} rules, nothing wrong.")


def _print_report(report: Report, seconds: float) -> None:
    changed = report.changed / report.turns if report.turns else 0.0
    show(f"{report.turns:,} turns replayed in {seconds:.2f} s; {report.changed:,} ({changed:.1%}) change.")
    table = Table(box=None, pad_edge=False)
    for column, justify in (("Action", "left"), ("now", "right"), ("draft", "right"), ("change", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # one of rich's words
    for label, (old, new) in report.by_action.items():
        table.add_row(label, f"{old:,}", f"{new:,}", f"{new - old:+,}" if new != old else "")
    results.print(table)
    change = report.escalation_change
    show(f"Escalated share: {change.value:+.2%} (95% interval {change.low:+.2%} to {change.high:+.2%}).")
    for load_ in report.queues:
        load_share = load_.busiest_load
        busiest = "no staffing given" if load_share is None else f"{load_share:.0%} busy at most"
        show(f"Queue {load_.queue}: {load_.a_week:g} a week, {busiest}, {load_.late:g} late.")
    for sample in report.samples[:5]:
        changes = "; ".join(f"{slot}: {old} -> {new}" for slot, (old, new) in sample.slots.items())
        show(f"  {sample.id}  {changes}")
