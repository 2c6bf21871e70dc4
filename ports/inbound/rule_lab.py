"""The life of rules: drafted, checked, rehearsed, submitted, approved by somebody else, rolled back."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from domain.errors import TransitionError
from domain.ids import ContentHash, OrganizationId
from domain.message import refuse_unstorable
from domain.rules.analyse import Finding, analyse
from domain.rules.diff import Difference, diff
from domain.rules.facts import RuleError, Schema
from domain.rules.ruleset import RuleSet, parse_ruleset, problems, read_ruleset
from ports.errors import Conflict
from ports.inbound.approval import (
    AND,
    TRIABLE,
    LabSettings,
    Who,
    end_trial,
    refuse_author,
    refuse_unless_passed,
    stop_trial,
)
from ports.outbound.audit import Entry
from ports.outbound.clock import Clock, Ids
from ports.outbound.rulesets import ActiveRules, Draft, State, Version
from ports.outbound.trials import Ending
from ports.outbound.units import Begin, Unit


class SaveDraft(Struct, frozen=True):
    """Save a draft: a new one without `draft`, else over the `version` that was read."""

    who: Who
    title: str
    document: bytes
    draft: UUID | None = None
    version: int = 0
    parent: ContentHash | None = None


class Submitted(Struct, frozen=True):
    """A draft that became a version awaiting approval."""

    version: Version
    findings: tuple[Finding, ...]


class Checked(Struct, frozen=True):
    """Everything wrong with a document, and what the analysis found when nothing is."""

    errors: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def good(self) -> bool:
        """Whether it could be published."""
        return not self.errors and not any(finding.is_error for finding in self.findings)


@dataclass(frozen=True, slots=True)
class RuleLab:
    """Writing, checking and publishing rules. Every change is in the audit trail with its actor."""

    begin: Begin
    rules: ActiveRules
    clock: Clock
    ids: Ids
    schema: Schema

    async def save(self, command: SaveDraft) -> Draft:
        """Store a draft, right or not. Raises `ContentError`, `NotFoundError`, `TransitionError`."""
        who, now = command.who, self.clock.now()
        refuse_unstorable(command.title, "title")
        async with self.begin(who.organization) as unit:
            if command.draft is None:
                parent = command.parent or await unit.rulesets.active()
                identity = self.ids.fresh()
                draft = Draft(identity, command.title, who.actor, 1, now, command.document, parent)
                await unit.drafts.save(draft)
            else:
                before = await unit.drafts.get(command.draft)
                draft = replace(
                    before,
                    title=command.title,
                    author=AND.join(dict.fromkeys([*before.author.split(AND), who.actor])),
                    version=command.version + 1,
                    updated_at=now,
                    document=command.document,
                )
                try:
                    await unit.drafts.save(draft)
                except Conflict as error:
                    raise TransitionError("draft_moved_on", str(error)) from error
            await unit.audit.note(
                Entry(now, who.actor, "rules.save", str(draft.id), {"version": draft.version})
            )
            await unit.commit()
        return draft

    async def discard(self, who: Who, draft: UUID) -> None:
        """Remove a draft; if there is none, this is a no-op."""
        async with self.begin(who.organization) as unit:
            await unit.drafts.remove(draft)
            await unit.audit.note(Entry(self.clock.now(), who.actor, "rules.discard", str(draft)))
            await unit.commit()

    async def check(self, document: bytes) -> Checked:
        """Say everything that is wrong with a document."""
        return await asyncio.to_thread(self._checked, document)

    async def submit(self, who: Who, draft: UUID, note: str) -> Submitted:
        """Make an immutable version of a draft, to be approved. Raises `RuleError` unless nothing bars it."""
        refuse_unstorable(note, "note")
        async with self.begin(who.organization) as unit:
            found = await unit.drafts.get(draft)
            rehearsal = await unit.rehearsals.report_of(found.document)
        ruleset, findings = await asyncio.to_thread(self._ready, found.document)
        now = self.clock.now()
        version = Version(
            ruleset.hash,
            State.IN_REVIEW,
            found.author,
            now,
            found.parent,
            note=note,
            analysis=findings,
            rehearsal=rehearsal,
        )
        async with self.begin(who.organization) as unit:
            await unit.rulesets.add(version, found.document)
            version = await unit.versions.get(ruleset.hash)
            await unit.drafts.remove(draft)
            await unit.audit.note(Entry(now, who.actor, "rules.submit", ruleset.hash, {"draft": str(draft)}))
            await unit.commit()
        return Submitted(version, findings)

    async def publish(self, who: Who, version: ContentHash) -> Version:
        """Approve a version and make it live, or go back to one that was live before. An open trial ends.

        Raises `ForbiddenError` if an author approves, `TransitionError` if it was rejected or a gate that the
        tenant chose is not passed, `NotFoundError`.
        """
        async with self.begin(who.organization) as unit:
            await unit.versions.lock()
            before = await unit.versions.get(version)
            if before.state is State.REJECTED:
                raise TransitionError("rejected", "This version was rejected. Make a new draft of it.")
            if before.state is State.LIVE:
                return before
            back = before.published_at is not None
            if not back:
                await refuse_author(unit, before, who)
                await refuse_unless_passed(unit, before)
            await end_trial(unit, version, self.clock.now())
            await unit.rulesets.activate(version, who.actor, self.clock.now())
            await self._note(unit, who, "rules.roll_back" if back else "rules.publish", version)
            after = await unit.versions.get(version)
            await unit.commit()
        return after

    async def reject(self, who: Who, version: ContentHash) -> Version:
        """Refuse a version that awaits approval. Raises `TransitionError`, `NotFoundError`."""
        async with self.begin(who.organization) as unit:
            await unit.versions.lock()
            before = await unit.versions.get(version)
            if before.state not in TRIABLE:
                raise TransitionError(
                    "not_in_review", f"This version is {before.state.value}, not in review."
                )
            await stop_trial(unit, version, Ending.STOPPED, self.clock.now())
            await unit.versions.move(version, State.REJECTED, who.actor)
            await self._note(unit, who, "rules.reject", version)
            after = await unit.versions.get(version)
            await unit.commit()
        return after

    async def difference(
        self, organization: OrganizationId, old: ContentHash, new: ContentHash
    ) -> tuple[Difference, ...]:
        """What changed between two versions, by meaning. Raises `NotFoundError`."""
        before, after = await self.rules.at(organization, old), await self.rules.at(organization, new)
        return await asyncio.to_thread(diff, before, after)

    async def settings(self, organization: OrganizationId) -> LabSettings:
        """The tenant's own rules for rules."""
        async with self.begin(organization) as unit:
            return LabSettings.of(await unit.settings.get())

    async def configure(self, who: Who, settings: LabSettings) -> LabSettings:
        """Set the tenant's own rules for rules."""
        async with self.begin(who.organization) as unit:
            await unit.settings.put({"rules": settings})
            details = msgspec.to_builtins(settings)
            await unit.audit.note(Entry(self.clock.now(), who.actor, "rules.settings", "settings", details))
            await unit.commit()
        return settings

    async def drafts(self, organization: OrganizationId) -> Sequence[Draft]:
        """All drafts, the last saved first."""
        async with self.begin(organization) as unit:
            return await unit.drafts.page()

    async def draft(self, organization: OrganizationId, draft: UUID) -> Draft:
        """One draft. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            return await unit.drafts.get(draft)

    async def versions(self, organization: OrganizationId, limit: int) -> Sequence[Version]:
        """The newest versions, newest first."""
        async with self.begin(organization) as unit:
            return await unit.versions.page(limit)

    async def version(self, organization: OrganizationId, version: ContentHash) -> tuple[Version, bytes]:
        """One version with its source. Raises `NotFoundError`."""
        async with self.begin(organization) as unit:
            return await unit.versions.get(version), await unit.rulesets.source(version)

    async def trail(self, organization: OrganizationId, limit: int) -> Sequence[Entry]:
        """The newest changes of rules."""
        async with self.begin(organization) as unit:
            return await unit.audit.page("rules.", limit)

    def _checked(self, document: bytes) -> Checked:
        try:
            raw = msgspec.json.decode(document)
        except (msgspec.DecodeError, RecursionError) as error:
            return Checked((f"the document: {error}.",))
        errors = tuple(str(problem) for problem in problems(raw, "the document", self.schema))
        if errors:
            return Checked(errors)
        return Checked((), analyse(read_ruleset(raw, "the document", self.schema)))

    def _ready(self, document: bytes) -> tuple[RuleSet, tuple[Finding, ...]]:
        ruleset = parse_ruleset(document, "the draft", self.schema)
        findings = analyse(ruleset)
        wrong = [finding.message for finding in findings if finding.is_error]
        if wrong:
            raise RuleError("analysis_failed", " ".join(wrong), {"findings": wrong})
        return ruleset, findings

    async def _note(self, unit: Unit, who: Who, action: str, version: ContentHash) -> None:
        await unit.audit.note(Entry(self.clock.now(), who.actor, action, version))
