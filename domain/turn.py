"""Planning one turn: from what was heard, understood and found to what is said and why. A pure decision."""

from msgspec import Struct
from msgspec.structs import replace

from domain.answer import Draft
from domain.confidence import CERTAIN, Confidence, confidence
from domain.conversation import Handoff, Status
from domain.dialogue import Asking, Context, Move
from domain.escalation import DOUBTFUL, UNHELPED, approval_of, handed_over, handoff_for
from domain.facts import Brain, Heard, facts_for, own_facts, told_by
from domain.nlu.intents import ACT_ABOVE
from domain.nlu.text import vocabulary
from domain.nlu.understanding import Language, Understanding
from domain.plan import HELPED, Considered, Outcome, Plan, ResponseType, Why, Written
from domain.policy import Below
from domain.questions import next_question
from domain.retrieval.chunking import FENCES, is_numbered
from domain.retrieval.passages import Hit
from domain.rules.actions import MAX_DEPTH
from domain.rules.asking import question
from domain.rules.facts import Fact, Facts
from domain.rules.trial import InForce, Ruling
from domain.salesforce.checking import unread
from domain.salesforce.pasted import all_told, code_told
from domain.versions import named, release_name, valid_for
from domain.written import Request, from_passages

SMALL_TALK = {"greeting": "hello_again", "thanks_goodbye": "closing"}
"""Intents answered by a fixed text."""
MAX_SMALL_TALK_TERMS = 3
SURE_OF_LANGUAGE = 0.5
"""Probability from which a message tells the language of the reply; below it the conversation's stays."""


def plan_turn(  # noqa: PLR0911  # one return a way that a turn can end
    heard: Heard,
    understood: Understanding,
    hits: tuple[Hit, ...],
    rules: InForce,
    brain: Brain,
    requests: tuple[Request, ...] = (),
    model: Written | None = None,
) -> Plan:
    """Decide what to say to one message.

    `requests` are there when it asks for several things, `model` once a language model wrote an answer in
    place of the one that passages give word for word.
    """
    signals = brain.cues.signals(heard.whole)
    hits = _still_unseen(hits, heard)
    whole = Request(heard.question, understood.intent_name, hits)
    written = model or from_passages(whole, requests, brain, understood.intent)
    sure = written.confidence.value if written else None
    facts = facts_for(heard, understood, hits, signals, brain, rules.live.schema, sure)
    theirs = {**facts, **own_facts(heard, rules.candidate.schema)} if rules.candidate else facts
    ruling = rules.decide(facts, theirs, heard.conversation.id)
    facts = {**theirs, **facts}
    turn = _Turn(heard, understood, hits, facts, ruling, brain, written)
    directive = ruling.decision.directive
    if heard.conversation.status is Status.ESCALATED:
        return turn.acknowledge()
    handoff = handoff_for(ruling.decision, understood, signals)
    if handoff is not None:
        return turn.escalate(handoff)
    if directive.approval is not None and (directive.reply or written):
        text = directive.reply or (written.draft.text if written else "")
        return turn.await_approval(approval_of(ruling.decision, text))
    if directive.reply is not None:
        return turn.say(directive.reply)
    wanted = turn.wanted()
    if wanted is not None:
        return turn.ask_for(wanted)
    if turn.is_small_talk():
        return turn.small_talk()
    if heard.move is Move.NOT_HELPED and (written is None or heard.conversation.context.unhelped):
        return turn.escalate(handed_over(ruling.decision, UNHELPED))
    if written is None:
        return turn.explain() or turn.ask()
    return turn.answer(written) if written.confidence.value >= heard.policy.threshold else turn.doubt(written)


def _still_unseen(hits: tuple[Hit, ...], heard: Heard) -> tuple[Hit, ...]:
    """What was found less the articles that did not help."""
    if heard.move is not Move.NOT_HELPED:
        return hits
    return tuple(hit for hit in hits if hit.passage.article not in heard.conversation.context.shown)


class _Put(Struct, frozen=True):
    """A question to the customer: what it waits for, the key under which it is put once, the choices."""

    asking: Asking
    key: str
    options: tuple[str, ...]


class _Turn:
    """The parts of one turn, and one method for each way it can end."""

    def __init__(
        self,
        heard: Heard,
        understood: Understanding,
        hits: tuple[Hit, ...],
        facts: Facts,
        ruling: Ruling,
        brain: Brain,
        written: Written | None,
    ) -> None:
        self.heard, self.understood, self.hits = heard, understood, hits
        self.facts, self.ruling, self.written = facts, ruling, written
        self.brain, self.spoken = brain, surely(understood.language)
        self.looked = brain.look(heard.whole)
        context, metadata = heard.conversation.context, heard.conversation.metadata
        self.texts = brain.texts.of(self.spoken or context.language or metadata.get("language"))
        self.intent = brain.intents.get(understood.intent_name)

    def acknowledge(self) -> Plan:
        return self._plan(Outcome.ACKNOWLEDGED, ResponseType.ESCALATION, self.texts.acknowledged)

    def escalate(self, handoff: Handoff) -> Plan:
        minutes = handoff.sla_minutes
        text = self.texts.handoff_within.format(minutes=minutes) if minutes else self.texts.handoff
        return self._plan(Outcome.ESCALATED, ResponseType.ESCALATION, text, handoff=handoff)

    def say(self, text: str) -> Plan:
        return self._plan(Outcome.SCRIPTED, ResponseType.INFORMATIONAL, text)

    def is_small_talk(self) -> bool:
        guess = self.understood.intent
        few = len(vocabulary(self.heard.whole)) <= MAX_SMALL_TALK_TERMS
        return few and self.understood.intent_name in SMALL_TALK and guess.confidence >= ACT_ABOVE

    def small_talk(self) -> Plan:
        text: str = getattr(self.texts, SMALL_TALK[self.understood.intent_name])
        return self._plan(Outcome.SMALL_TALK, ResponseType.INFORMATIONAL, text)

    def doubt(self, written: Written) -> Plan:
        """What the tenant wants done with an answer that is less sure than its error budget allows."""
        match self.heard.policy.below:
            case Below.REVIEW:
                return self.await_approval(handed_over(self.ruling.decision, DOUBTFUL, written.draft.text))
            case Below.PERSON:
                return self.escalate(handed_over(self.ruling.decision, DOUBTFUL))
            case Below.CLARIFY:
                return self.ask()

    def await_approval(self, handoff: Handoff) -> Plan:
        return self._plan(Outcome.ESCALATED, ResponseType.ESCALATION, self.texts.approval, handoff=handoff)

    def wanted(self) -> Fact | None:
        """The first fact that rules ask the customer for, unless they were asked for it before."""
        schema, asked = self.ruling.ruleset.schema, told_by(self.heard, self.ruling.ruleset.schema.facts)
        names = self.ruling.decision.directive.ask
        return next((schema.facts[n] for n in names if self.facts.get(n) is None and n not in asked), None)

    def ask_for(self, fact: Fact) -> Plan:
        text = self.texts.ask_fact.format(fact=question(fact))
        return self._plan(Outcome.CLARIFIED, ResponseType.CLARIFICATION, text, put=self._put(fact.name))

    def _put(self, fact: str, key: str = "", options: tuple[str, ...] = ()) -> _Put:
        before = self.heard.answers
        parts = (*(before.heard if before else ()), self.heard.message.id)
        return _Put(Asking(fact, self.heard.whole, self.heard.at, parts), key, options)

    def answer(self, written: Written) -> Plan:
        said = f"{self.texts.several}\n\n{written.draft.text}" if written.several else written.draft.text
        remarks = [told] if (told := code_told(self.looked, self.texts)) else []
        remarks += [self.texts.next_best] if self.heard.move is Move.NOT_HELPED else []
        remarks += [self.texts.corrected.format(before=text) for text in written.corrects]
        if self.texts.language not in {one.language for one in written.draft.citations}:
            remarks.append(self.texts.answered_in_english)
        if valid := self._valid_for(written.draft):
            remarks.append(self.texts.for_version.format(version=valid))
        warnings = [
            self.texts.unread_code.format(language=one.language, line=one.finding.line)
            for one in unread(written.draft.statements, self.brain.check)
        ]
        return self._plan(
            Outcome.ANSWERED,
            self._type_of(written.draft),
            "\n\n".join([*remarks, said, *warnings]),
            parts=written.confidence,
            draft=written.draft,
        )

    def explain(self) -> Plan | None:
        """What is wrong in the code or the errors that the customer pasted, where no article says more."""
        told = all_told(self.looked, self.texts)
        sure = replace(self._fixed_confidence(Outcome.ANSWERED), value=CERTAIN)
        return self._plan(Outcome.ANSWERED, ResponseType.TECHNICAL, told, parts=sure) if told else None

    def _valid_for(self, draft: Draft) -> str | None:
        """The versions that an answer is for, where the question names one or not all are meant."""
        wanted = named(self.heard.whole) or named(self.heard.question)
        limited = [one.api_versions for one in draft.citations if valid_for(one.api_versions).spans]
        if wanted is not None and all(wanted in valid_for(one) for one in limited):
            return release_name(wanted)
        return f"API version {limited[0]}" if limited else None

    def ask(self) -> Plan:
        """One good question that was not put before, or a polite no; the second time a person is offered."""
        key, text, options = next_question(self.heard, self.hits, self.intent, self.brain, self.texts)
        outcome = Outcome.CLARIFIED if key else Outcome.DECLINED
        if self.heard.conversation.context.unanswered_in_a_row:
            text = f"{text}\n\n{self.texts.offer_person}"
        put = self._put("", key, options) if key else None
        return self._plan(outcome, ResponseType.CLARIFICATION, text, put=put)

    def _type_of(self, draft: Draft) -> ResponseType:
        said = draft.statements
        if any(text.startswith(FENCES) for text in said) or self.facts["error_codes"]:
            return ResponseType.TECHNICAL
        if any(is_numbered(text) for text in said):
            return ResponseType.INSTRUCTIONAL
        return ResponseType.INFORMATIONAL

    def _plan(
        self,
        outcome: Outcome,
        response_type: ResponseType,
        text: str,
        *,
        parts: Confidence | None = None,
        draft: Draft | None = None,
        handoff: Handoff | None = None,
        put: _Put | None = None,
    ) -> Plan:
        answered, before = outcome in HELPED, self.heard.answers
        decision, shallow = self.ruling.decision, self.heard.message.depth < MAX_DEPTH
        if handoff is not None and handoff.draft:  # the customer sees the reasons, and must not see the draft
            decision = replace(decision, directive=replace(decision.directive, reply=None))
        close = answered and decision.directive.close and self.heard.conversation.unanswered <= 1
        parts, facts = parts or self._fixed_confidence(outcome), self.ruling.ruleset.schema.facts
        return Plan(
            f"{text}\n\n{self.texts.closed}" if close else text,
            response_type,
            parts.value,
            draft.citations if draft else (),
            (*(put.options if put else ()), *self._suggested(outcome)),
            handoff,
            self._context(outcome, draft, put),
            Why(
                outcome,
                self.written.route if draft and self.written else "fixed text",
                self.heard.question,
                parts,
                {n: v for n, v in self.facts.items() if n not in facts or not facts[n].personal},
                decision,
                tuple(_considered(hit) for hit in self.hits),
                self.ruling.ruleset.hash,
                before.heard if before else (),
                move=self.heard.move,
                unread=unread(draft.statements, self.brain.check) if draft else (),
                looked=self.looked,
            ),
            close,
            self.ruling.outward(str(self.heard.message.id)) if shallow or self.ruling.failed else (),
            self.ruling.beside,
            self.texts.language,
            self.texts.right_to_left,
            self.written if draft else None,
            self.texts.disclaimer if draft else "",
        )

    def _context(self, outcome: Outcome, draft: Draft | None, put: _Put | None) -> Context:
        """What the next turn needs of this one."""
        before, retried = self.heard.conversation.context, self.heard.move is Move.NOT_HELPED
        context = before.after(
            topic=self.understood.intent.name if self.understood.intent.known and not retried else None,
            question=self.heard.question if outcome is Outcome.ANSWERED else None,
            entities=self.understood.entities,
            sentiment=self.understood.sentiment.score,
            answered=outcome in HELPED,
        )
        cited = {one.article_id: one.title for one in draft.citations} if draft else {}
        if draft:
            context = context.remembering(self.heard.whole, tuple(cited.values()))
        return replace(
            context,
            asking=put.asking if put else None if self.heard.answers else before.asking,
            told=told_by(self.heard, self.ruling.ruleset.schema.facts),
            language=self.spoken or before.language,
            asked=() if draft else (*before.asked, put.key) if put and put.key else before.asked,
            shown=(*(before.shown if retried else ()), *cited) if draft else before.shown,
            unhelped=before.unhelped + 1 if retried else 0 if draft else before.unhelped,
        )

    def _fixed_confidence(self, outcome: Outcome) -> Confidence:
        """Confidence of a fixed text: of its intent, certain for a handoff, else of the best passage."""
        found = confidence(
            self.hits,
            1.0,
            self.brain.thresholds,
            self.understood.intent,
            foreign=self.brain.cues.foreign(self.heard.question),
            words=len(vocabulary(self.heard.question)),
        )
        if outcome is Outcome.SMALL_TALK:
            return replace(found, value=round(self.understood.intent.confidence, 3))
        if outcome in {Outcome.ESCALATED, Outcome.ACKNOWLEDGED, Outcome.SCRIPTED}:
            return replace(found, value=1.0)
        return found

    def _suggested(self, outcome: Outcome) -> tuple[str, ...]:
        if outcome is Outcome.ANSWERED:
            return (self.texts.action_resolved, self.texts.action_person)
        if outcome in {Outcome.CLARIFIED, Outcome.DECLINED}:
            return (self.texts.action_rephrase, self.texts.action_person)
        return ()


def surely(language: Language) -> str | None:
    """The language of a message, unless it says too little to tell."""
    return language.code if language.confidence >= SURE_OF_LANGUAGE else None


def _considered(hit: Hit) -> Considered:
    return Considered(hit.passage.id, hit.passage.title, hit.score, hit.bm25, hit.cosine, hit.coverage)
