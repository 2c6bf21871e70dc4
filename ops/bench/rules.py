"""`casepilot bench rules`: the bitmap index next to loops over lambdas and datalogic rules, in one run."""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from time import perf_counter
from typing import Any

import datalogic_py
import msgspec

from adapters.starter.loader import rules as starter_rules
from adapters.starter.loader import schema
from domain.ids import ContentHash, RuleId
from domain.rules.actions import EscalateAction, TagAction
from domain.rules.backtest import Past, backtest
from domain.rules.condition import Comparison, Condition, Group
from domain.rules.evaluate import Known
from domain.rules.facts import Facts, FactValue, Schema
from domain.rules.index import RuleIndex
from domain.rules.jsonlogic import to_jsonlogic
from domain.rules.rule import Rule
from domain.rules.ruleset import MAX_TRACED, RuleSet
from entrypoints.embedded import Step

SEED = 2_026
SIZES = (1_000, 10_000)
FACT_SETS = 64
ROUNDS = 5
TURNS = 100_000
LOOPED = 1_000
"""Turns that the slow loop gets; its time for all is what it would be at that pace."""
INTENTS = tuple(f"intent_{number}" for number in range(50))
TIERS = ("free", "starter", "professional", "enterprise")
ISSUES = ("access", "billing", "security", "technical", "how_to", "complaint", "other")
CHANNELS = ("web", "mobile", "email", "slack", "teams", "api")

Test = Callable[[Mapping[str, Any]], bool]


def run(step: Step) -> dict[str, Any]:
    """Measure every variant on the same random rules and facts; they must agree on every one."""
    facts = schema()
    figures: dict[str, Any] = {}
    for number, size in enumerate(SIZES):
        step(f"Measuring {size:,} rules", number, len(SIZES))
        figures |= _measure(size, facts)
    step(f"Replaying {TURNS:,} turns", len(SIZES), len(SIZES))
    return figures | _replayed(facts)


def some_rules(count: int, draw: random.Random) -> list[Comparison | Group]:
    """Rules as managers write them: two to four comparisons joined by 'and', one in five with an 'or'."""
    return [_rule(draw) for _ in range(count)]


def some_facts(draw: random.Random) -> dict[str, FactValue]:
    """The facts of one turn."""
    return {
        "sentiment_score": round(draw.uniform(-1, 1), 2),
        "customer_tier": draw.choice(TIERS),
        "issue_type": draw.choice(ISSUES),
        "channel": draw.choice(CHANNELS),
        "intent": draw.choice(INTENTS),
        "intent_confidence": round(draw.random(), 2),
        "message_count": draw.randrange(40),
        "failed_turns": draw.randrange(5),
        "retrieval_confidence": round(draw.random(), 2),
        "hour_utc": draw.randrange(24),
        "weekday": draw.randrange(1, 8),
        "has_code": draw.randrange(5) == 0,
        "language": draw.choice(("en", "de", "fr", "es", "ja")),
    }


def as_lambda(condition: Condition) -> Test:
    """The condition as a Python function, as one would write it by hand."""
    return eval(f"lambda f: {_python(condition)}")  # type: ignore[no-any-return]  # noqa: S307  # source of our own making


def _replayed(facts: Schema) -> dict[str, Any]:
    """1,000 rules over 100,000 turns, beside the starter rules, and beside 1,000 others and a lambda loop."""
    draw = random.Random(SEED)  # noqa: S311  # as above
    live, draft = (_a_set(facts, draw) for _ in range(2))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    turns = [Past(str(n), start + timedelta(minutes=n), some_facts(draw)) for n in range(TURNS)]
    began = perf_counter()
    backtest(starter_rules()[0], draft, turns)
    alone = perf_counter() - began
    began = perf_counter()
    report = backtest(live, draft, turns)
    seconds = perf_counter() - began
    lambdas = [as_lambda(rule.condition) for one in (live, draft) for rule in one.rules]  # type: ignore[arg-type]  # trees
    began = perf_counter()
    for turn in turns[:LOOPED]:
        for test in lambdas:
            test(turn.facts)
    loop = (perf_counter() - began) * TURNS / LOOPED
    figures = {"rules": len(live.rules), "turns": report.turns, "changed": report.changed}
    return {
        "backtest": {
            **figures,
            "seconds_beside_starter_rules": round(alone, 2),
            "seconds": round(seconds, 2),
            "lambda_loop_seconds": round(loop, 1),
        },
        "backtest_vs_lambdas": _round(loop / seconds),
    }


def _a_set(facts: Schema, draw: random.Random) -> RuleSet:
    """1,000 rules of four to eight comparisons, each escalating and tagging."""
    pairs = zip(some_rules(1_000, draw), some_rules(1_000, draw), strict=True)
    rules = [
        Rule(
            RuleId(f"R-{number}"),
            "",
            Group("AND", pair),
            (EscalateAction(f"queue {number % 5}"), TagAction(f"tag {number % 7}")),
            number,
        )
        for number, pair in enumerate(pairs)
    ]
    return RuleSet(rules, ContentHash(""), facts)


def _measure(size: int, facts: Schema) -> dict[str, Any]:
    draw = random.Random(SEED + size)  # noqa: S311  # data, not a secret
    rules = some_rules(size, draw)
    turns: list[Facts] = [some_facts(draw) for _ in range(FACT_SETS)]
    known = [facts.known(turn) for turn in turns]
    began = perf_counter()
    index = RuleIndex(rules, facts)
    built = perf_counter() - began
    lambdas = [as_lambda(rule) for rule in rules]
    engine = datalogic_py.Engine()
    compiled = [engine.compile(to_jsonlogic(rule, facts)) for rule in rules]
    for turn in known:
        naive = tuple(place for place, test in enumerate(lambdas) if test(turn))
        if index.certain(turn) != naive or index.first(turn) != (naive[0] if naive else None):
            raise AssertionError("The index and the lambdas disagree.")
    variants: dict[str, Callable[[Known], object]] = {
        "first_match": index.first,
        "all_matches": index.certain,
        "possible": lambda turn: index.possible(turn, MAX_TRACED),
        "near_misses": lambda turn: index.near(turn, MAX_TRACED),
        "lambdas": lambda turn: [place for place, test in enumerate(lambdas) if test(turn)],
        "datalogic": lambda turn: [place for place, rule in enumerate(compiled) if rule.evaluate(turn)],
    }
    times = _times(variants, known)
    ratios = {f"{name}_vs_lambdas_{size}": _round(times["lambdas"] / spent) for name, spent in times.items()}
    return {
        f"rules_{size}": {
            "microseconds": {name: round(spent * 1e6, 2) for name, spent in times.items()},
            "build_ms": round(built * 1e3, 1),
        },
        **{name: ratio for name, ratio in ratios.items() if "lambdas_vs" not in name},
    }


def _times(variants: Mapping[str, Callable[[Known], object]], known: Sequence[Known]) -> dict[str, float]:
    """Seconds a turn: the median of interleaved rounds."""
    rounds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, evaluate in variants.items():
            began = perf_counter()
            for turn in known:
                evaluate(turn)
            rounds[name].append((perf_counter() - began) / len(known))
    return {name: median(spent) for name, spent in rounds.items()}


def _rule(draw: random.Random) -> Comparison | Group:
    leaves: list[Comparison | Group] = [_leaf(draw) for _ in range(draw.randrange(2, 5))]
    if draw.randrange(5) == 0:
        leaves.append(Group("OR", (_leaf(draw), _leaf(draw))))
    return Group("AND", tuple(leaves))


def _leaf(draw: random.Random) -> Comparison:
    makers: tuple[Callable[[], Comparison], ...] = (
        lambda: Comparison("sentiment_score", draw.choice(("<", "<=", ">")), round(draw.uniform(-1, 1), 2)),
        lambda: Comparison("customer_tier", draw.choice(("==", "!=")), draw.choice(TIERS)),
        lambda: Comparison("issue_type", "in", tuple(draw.sample(ISSUES, 2))),
        lambda: Comparison("channel", "==", draw.choice(CHANNELS)),
        lambda: Comparison("intent", "in", tuple(draw.sample(INTENTS, 3))),
        lambda: Comparison("intent_confidence", ">=", round(draw.random(), 2)),
        lambda: Comparison("message_count", ">", draw.randrange(40)),
        lambda: Comparison("hour_utc", "between", tuple(sorted((draw.randrange(24), draw.randrange(24))))),
        lambda: Comparison("has_code", "==", draw.choice((True, False))),
        lambda: Comparison("language", "==", draw.choice(("en", "de", "fr", "es", "ja"))),
    )
    return draw.choice(makers)()


def _python(condition: Condition) -> str:
    if isinstance(condition, Group):
        return "(" + f" {condition.operator.lower()} ".join(map(_python, condition.rules)) + ")"
    field = f"f[{condition.field!r}]"
    if condition.operator == "between" and isinstance(condition.value, tuple):
        return f"{condition.value[0]!r} <= {field} <= {condition.value[1]!r}"
    return f"{field} {condition.operator} {msgspec.to_builtins(condition.value)!r}"


def _round(ratio: float) -> float:
    return round(ratio, 1 if ratio < 100 else None)  # noqa: PLR2004  # three digits are enough
