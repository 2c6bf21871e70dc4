"""A bitmap index over conditions: one big integer a fact value, one bit a clause.

Each fact's value selects the mask of clauses that it leaves alive; the masks are ANDed, and what is left
fires (bit-parallel matching as in Baboescu and Varghese, Scalable Packet Classification, SIGCOMM 2001). A
fact that is missing kills every clause that tests it, so a condition fires only when certain; leaving those
alive instead gives the possible ones, and counting the facts that kill gives the near misses.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from itertools import accumulate
from operator import or_, xor
from typing import Any

import numpy as np
from msgspec import Struct

from domain.rules.condition import Condition
from domain.rules.evaluate import Known, predicate, verdict
from domain.rules.facts import Schema
from domain.rules.jsonlogic import Program
from domain.rules.normal import Box, boxes
from domain.rules.regions import HIGHEST, LOWEST, Cut, Lists, Numbers, Region, Text, Texts


class Verdicts(Struct, frozen=True):
    """Places of conditions, ascending: certain; possible, if facts that are missing turn out so; near misses.

    A near miss reads several facts and would be certain if exactly one that is known were different.
    """

    certain: tuple[int, ...]
    possible: tuple[int, ...]
    near: tuple[int, ...]


class RuleIndex:
    """Conditions compiled once, in order. Methods take facts as `Schema.known` gives them."""

    def __init__(self, tests: Sequence[Condition | Program], schema: Schema) -> None:
        self._owners: list[int] = []
        self._direct: list[tuple[int, Callable[[Known], bool | None]]] = []
        clauses: list[Box] = []
        for place, test in enumerate(tests):
            if isinstance(test, Program):
                self._direct.append((place, test.verdict))
                continue
            found = boxes(test, schema)
            if found is None:
                self._direct.append((place, partial(verdict, test)))
            else:
                clauses += found
                self._owners += [place] * len(found)
        self._all = (1 << len(clauses)) - 1
        several = (1 << bit for bit, box in enumerate(clauses) if len(box.regions) + len(box.missing) > 1)
        self._several = _union(several)
        self._bytes = (len(clauses) + 7) // 8
        self._columns = tuple(
            (name, _column(name, clauses, self._all)) for name in dict.fromkeys(_names(clauses))
        )
        self._owner_of = np.array(self._owners, np.int64)
        bits: dict[int, int] = {}
        for bit, place in enumerate(self._owners):
            bits[place] = bits.get(place, 0) | 1 << bit
        self._siblings = {place: mask for place, mask in bits.items() if mask & (mask - 1)}
        self._shared = _union(self._siblings.values())

    def first(self, known: Known) -> int | None:
        """The first condition that is certain."""
        alive, get = self._all, known.get
        for name, column in self._columns:
            value = get(name)
            alive &= column.absent if value is None else column.mask(value)
            if not alive:
                break
        best = self._owners[(alive & -alive).bit_length() - 1] if alive else None
        for place, test in self._direct:
            if best is not None and place > best:
                break
            if test(known) is True:
                return place
        return best

    def certain(self, known: Known) -> tuple[int, ...]:
        """All conditions that are certain."""
        alive, get = self._all, known.get
        for name, column in self._columns:
            value = get(name)
            alive &= column.absent if value is None else column.mask(value)
            if not alive:
                break
        direct = [place for place, test in self._direct if test(known) is True]
        return self._places(alive, direct)

    def possible(self, known: Known, limit: int | None = None) -> tuple[int, ...]:
        """The conditions that are not certain but would be for some values of the facts that are missing.

        The first `limit` of them, or all.
        """
        alive, open_, get = self._all, self._all, known.get
        for name, column in self._columns:
            value = get(name)
            if value is None:
                alive &= column.absent
                open_ &= column.open
            else:
                mask = column.mask(value)
                alive &= mask
                open_ &= mask
            if not open_:
                break
        direct = [place for place, test in self._direct if test(known) is None]
        return self._apart(open_ & ~alive, alive, direct, limit)

    def near(self, known: Known, limit: int | None = None) -> tuple[int, ...]:
        """The conditions that are neither certain nor possible and fail by exactly one fact.

        The first `limit` of them, or all; conditions that are too large for the index are left out.
        """
        alive = but_one = self._all
        get, unknown = known.get, []
        for name, column in self._columns:
            value = get(name)
            if value is None:
                unknown.append(column)
            else:
                mask = column.mask(value)
                but_one = but_one & mask | alive
                alive &= mask
        open_ = alive
        for column in unknown:
            but_one = but_one & column.absent | alive
            alive &= column.absent
            open_ &= column.open
        return self._apart(but_one & ~alive & ~open_ & self._several, open_, (), limit)

    def verdicts(self, known: Known, limit: int | None = None) -> Verdicts:
        """All three; of possible and near ones the first `limit`."""
        return Verdicts(self.certain(known), self.possible(known, limit), self.near(known, limit))

    def _places(self, alive: int, direct: Sequence[int]) -> tuple[int, ...]:
        """The conditions of the clauses whose bits are set, and `direct` ones, ascending and once each."""
        if not alive:
            return tuple(direct)
        packed = np.frombuffer(alive.to_bytes(self._bytes, "little"), np.uint8)
        bits = np.flatnonzero(np.unpackbits(packed, bitorder="little").view(np.bool_))
        places = self._owner_of[bits]
        if alive & self._shared:
            places = places[np.append(True, places[1:] != places[:-1])]  # numpy's own
        found: list[int] = places.tolist()
        return tuple(sorted({*found, *direct}) if direct else found)

    def _apart(self, clauses: int, alive: int, direct: Sequence[int], limit: int | None) -> tuple[int, ...]:
        """The first conditions of some clauses that have no other clause alive, and `direct` ones."""
        if limit is None:
            shared = clauses & self._shared
            while shared:
                siblings = self._siblings[self._owners[(shared & -shared).bit_length() - 1]]
                clauses &= ~siblings if siblings & alive else -1
                shared &= ~siblings
            return self._places(clauses, direct)
        found: dict[int, None] = {}
        while clauses and len(found) < limit:
            lowest = clauses & -clauses
            place = self._owners[lowest.bit_length() - 1]
            if not self._siblings.get(place, 0) & alive:
                found[place] = None
            clauses ^= lowest
        return tuple(sorted({*found, *direct})[:limit]) if direct else tuple(found)


class _Column(ABC):
    """What one fact leaves alive. `absent` when it is missing, `open` when it may yet be anything."""

    absent = 0
    open = 0

    @abstractmethod
    def mask(self, value: Any) -> int:  # noqa: ANN401  # a value of the fact's own kind
        """The clauses that a value leaves alive."""


class _Numbers(_Column):
    """Masks of the cells between and at the numbers that clauses speak of."""

    def __init__(self, tested: Sequence[tuple[int, Numbers]], untested: int) -> None:
        cuts = (cut for _, numbers in tested for interval in numbers.intervals for cut in interval)
        self._points = sorted({cut[0] for cut in cuts if cut not in {LOWEST, HIGHEST}})
        place = {point: number for number, point in enumerate(self._points)}

        def cell(cut: Cut) -> int:
            if cut == LOWEST:
                return 0
            return 2 * len(self._points) + 1 if cut == HIGHEST else 2 * place[cut[0]] + 1 + cut[1]

        toggles: dict[int, int] = {}
        for bit, numbers in tested:
            for start, end in numbers.intervals:
                toggles[cell(start)] = toggles.get(cell(start), 0) ^ bit
                toggles[cell(end)] = toggles.get(cell(end), 0) ^ bit
        changes = (toggles.get(number, 0) for number in range(2 * len(self._points) + 1))
        self._masks = list(accumulate(changes, xor, initial=untested))[1:]

    def mask(self, value: float) -> int:
        place = bisect_left(self._points, value)
        exact = place < len(self._points) and self._points[place] == value
        return self._masks[2 * place + exact]


class _Texts(_Column):
    """A mask for each text that clauses list, one for all others, and two for each predicate."""

    def __init__(self, tested: Sequence[tuple[int, Texts]], untested: int) -> None:
        self._others = untested | _union(bit for bit, texts in tested if texts.others)
        flips: dict[str | bool, int] = {}
        needs: dict[tuple[str, str], list[int]] = {}
        for bit, texts in tested:
            for value in texts.listed:
                flips[value] = flips.get(value, 0) ^ bit
            for wanted, pairs in enumerate((texts.must_not, texts.must)):
                for pair in pairs:
                    needs.setdefault(pair, [0, 0])[wanted] |= bit
        self._masks = {value: self._others ^ flip for value, flip in flips.items()}
        self._predicates = [(predicate(*pair), ~banned, ~wanted) for pair, (banned, wanted) in needs.items()]

    def mask(self, value: Text) -> int:
        mask = self._masks.get(value, self._others)
        for holds, if_holds, if_not in self._predicates:
            mask &= if_holds if holds(str(value)) else if_not
        return mask


class _Lists(_Column):
    """One mask an item; clauses that want several items test them in several rounds."""

    def __init__(self, tested: Sequence[tuple[int, Lists]], untested: int) -> None:
        everything = untested | _union(bit for bit, _ in tested)
        self._banned: dict[str, int] = {}
        rounds = max((len(lists.has) for _, lists in tested), default=0)
        self._rounds: list[tuple[int, dict[str, int]]] = []
        for number in range(rounds):
            wanted: dict[str, int] = {}
            for bit, lists in tested:
                if number < len(lists.has):
                    item = sorted(lists.has)[number]
                    wanted[item] = wanted.get(item, 0) | bit
            self._rounds.append((everything ^ _union(wanted.values()), wanted))
        for bit, lists in tested:
            for item in lists.lacks:
                self._banned[item] = self._banned.get(item, 0) | bit
        self._everything = everything

    def mask(self, value: Sequence[str]) -> int:
        mask = self._everything
        for free, wanted in self._rounds:
            mask &= free | _union(wanted[item] for item in value if item in wanted)
        return mask & ~_union(self._banned[item] for item in value if item in self._banned)


class _Missing(_Column):
    """A fact of which clauses only ask that it be missing."""

    def __init__(self, untested: int) -> None:
        self._untested = untested

    def mask(self, value: object) -> int:  # noqa: ARG002  # any value is one too many
        return self._untested


def _names(clauses: Iterable[Box]) -> Iterator[str]:
    for box in clauses:
        yield from box.regions
        yield from box.missing


def _column(name: str, clauses: Sequence[Box], everything: int) -> _Column:
    regions = [(1 << bit, box.regions[name]) for bit, box in enumerate(clauses) if name in box.regions]
    lacking = _union(1 << bit for bit, box in enumerate(clauses) if name in box.missing)
    untested = everything ^ _union(bit for bit, _ in regions) ^ lacking
    column = _column_of(regions, untested)
    column.absent = untested | lacking
    column.open = everything ^ _union(1 << bit for bit, box in enumerate(clauses) if name in box.known)
    return column


def _column_of(tested: Sequence[tuple[int, Region]], untested: int) -> _Column:
    numbers = [(bit, found) for bit, found in tested if isinstance(found, Numbers)]
    if numbers:
        return _Numbers(numbers, untested)
    texts = [(bit, found) for bit, found in tested if isinstance(found, Texts)]
    if texts:
        return _Texts(texts, untested)
    lists = [(bit, found) for bit, found in tested if isinstance(found, Lists)]
    return _Lists(lists, untested) if lists else _Missing(untested)


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
