-- Trials: a candidate rule set decides beside the live one, for nobody (shadow) or for a share of the conversations.

ALTER TABLE core.rule_sets
    ADD COLUMN rehearsal JSONB,
    DROP CONSTRAINT chk_rule_set_state,
    ADD CONSTRAINT chk_rule_set_state
        CHECK (state IN ('in_review', 'shadow', 'canary', 'live', 'retired', 'rejected'));

-- `percent` 0 is a shadow. `bound` is how far the share of escalations may move before the trial stops itself.
CREATE TABLE core.trials (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    candidate TEXT NOT NULL,
    percent INTEGER NOT NULL,
    bound DOUBLE PRECISION NOT NULL,
    actor TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    checked_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ,
    ending TEXT,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, candidate) REFERENCES core.rule_sets (organization_id, hash),
    CONSTRAINT chk_percent CHECK (percent BETWEEN 0 AND 100)
);
CREATE UNIQUE INDEX uq_trial_open ON core.trials (organization_id) WHERE ended_at IS NULL;
CREATE INDEX idx_trials_ended ON core.trials (ended_at);

-- What both sides decided about one turn: who ran, whether each escalates, and the slots that differ.
ALTER TABLE ai.turns ADD COLUMN trial UUID, ADD COLUMN beside JSONB;
CREATE INDEX idx_turns_trial ON ai.turns (trial, organization_id) WHERE trial IS NOT NULL;

CREATE TABLE core.rehearsals (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL,
    actor TEXT NOT NULL,
    document BYTEA NOT NULL,
    since TIMESTAMPTZ NOT NULL,
    staffing JSONB NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'waiting',
    turns INTEGER NOT NULL DEFAULT 0,
    report JSONB,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT chk_rehearsal_state CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled'))
);
CREATE INDEX idx_rehearsals_state ON core.rehearsals (state);

-- What rules had done, once a key: the record that notifications and webhooks are sent from. `depth` counts the
-- automations between a customer's word and this action.
ALTER TABLE core.messages ADD COLUMN depth SMALLINT NOT NULL DEFAULT 0;
CREATE TABLE core.rule_actions (
    organization_id UUID NOT NULL,
    key TEXT NOT NULL,
    conversation_id UUID NOT NULL,
    heard_id UUID NOT NULL,
    rule TEXT NOT NULL,
    action JSONB NOT NULL,
    depth SMALLINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, key),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES core.conversations (organization_id, id),
    FOREIGN KEY (organization_id, heard_id) REFERENCES core.messages (organization_id, id)
);

-- A customer's conversations of the 30 days before are counted when one begins.
ALTER TABLE core.conversations ADD COLUMN recent_contacts INTEGER NOT NULL DEFAULT 0;
CREATE INDEX idx_conv_user ON core.conversations (user_id, organization_id, started_at);

DO $$
DECLARE
    t text;
    told CONSTANT text := '(organization_id = (SELECT NULLIF(current_setting(''app.current_org_id'', true), '''')::uuid))';
BEGIN
    FOREACH t IN ARRAY ARRAY['core.trials', 'core.rehearsals', 'core.rule_actions']
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %s FOR ALL TO casepilot_app USING %s WITH CHECK %s', t, told, told);
    END LOOP;
END
$$;

-- The worker role sees that there is work, never whose words it is about.
CREATE POLICY worker_select ON core.trials FOR SELECT TO casepilot_worker
    USING (ended_at IS NULL AND (SELECT current_setting('app.worker', true) = 'on'));
CREATE POLICY worker_select ON core.rehearsals FOR SELECT TO casepilot_worker
    USING (state = 'waiting' AND (SELECT current_setting('app.worker', true) = 'on'));

GRANT SELECT, INSERT, UPDATE ON core.trials, core.rehearsals TO casepilot_app;
GRANT SELECT, INSERT ON core.rule_actions TO casepilot_app;
GRANT UPDATE (settings) ON core.organizations TO casepilot_app;
GRANT UPDATE (rehearsal) ON core.rule_sets TO casepilot_app;
GRANT SELECT (organization_id, id, checked_at, ended_at) ON core.trials TO casepilot_worker;
GRANT SELECT (organization_id, id, state, created_at) ON core.rehearsals TO casepilot_worker;

-- Hear and say as before, with the open trial, the tenant's calendar, endings and the record of actions.
CREATE OR REPLACE FUNCTION core.hear(p_org uuid, p_conversation uuid, p_user uuid, p_message jsonb, p_after jsonb)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    c core.conversations;
    o core.organizations;
    t core.trials;
    given text;
BEGIN
    PERFORM set_config('app.current_org_id', p_org::text, true);
    SELECT * INTO c FROM core.conversations
    WHERE organization_id = p_org AND id = p_conversation AND (p_user IS NULL OR user_id = p_user)
    FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO o FROM core.organizations WHERE id = p_org;
    SELECT * INTO t FROM core.trials WHERE organization_id = p_org AND ended_at IS NULL;
    IF p_after ? c.status THEN
        INSERT INTO core.messages (organization_id, id, conversation_id, sender_type, content, attachments, depth, created_at)
        VALUES (
            p_org, (p_message ->> 'id')::uuid, p_conversation, p_message ->> 'sender', p_message ->> 'content',
            p_message -> 'attachments', coalesce((p_message ->> 'depth')::int, 0), (p_message ->> 'at')::timestamptz
        )
        ON CONFLICT DO NOTHING;
    END IF;
    IF p_after ? c.status AND FOUND THEN
        UPDATE core.conversations SET
            status = p_after ->> c.status,
            unanswered = unanswered + 1,
            message_count = message_count + 1,
            last_activity_at = greatest(last_activity_at, (p_message ->> 'at')::timestamptz),
            version = version + 1
        WHERE organization_id = p_org AND id = p_conversation
        RETURNING * INTO c;
    ELSE
        SELECT answer::text INTO given FROM ai.turns
        WHERE organization_id = p_org AND conversation_id = p_conversation
            AND heard_id = (p_message ->> 'id')::uuid;
    END IF;
    RETURN json_build_object(
        'conversation', c, 'tier', o.subscription_tier, 'ruleset', o.active_ruleset,
        'knowledge', o.knowledge_version, 'calendar', o.settings -> 'calendar',
        'trial', CASE WHEN t.id IS NOT NULL THEN json_build_object(
            'id', t.id, 'candidate', t.candidate, 'percent', t.percent, 'bound', t.bound
        ) END,
        'reply', given::json
    )::text;
END
$$;

CREATE OR REPLACE FUNCTION core.say(p_org uuid, p_conversation jsonb, p_messages jsonb, p_turn jsonb, p_events jsonb)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    given text;
BEGIN
    PERFORM set_config('app.current_org_id', p_org::text, true);
    UPDATE core.conversations SET
        status = p_conversation ->> 'status',
        unanswered = (p_conversation ->> 'unanswered')::int,
        message_count = (p_conversation ->> 'message_count')::int,
        last_activity_at = (p_conversation ->> 'last_activity_at')::timestamptz,
        context = p_conversation -> 'context',
        handoff = NULLIF(p_conversation -> 'handoff', 'null'::jsonb),
        ended_at = (p_conversation ->> 'ended_at')::timestamptz,
        resolution_type = p_conversation ->> 'resolution',
        escalated = escalated OR p_conversation ->> 'status' = 'escalated',
        escalation_reason = left(p_conversation -> 'handoff' ->> 'reason', 1000),
        answer_count = answer_count + 1,
        ai_confidence_avg =
            (coalesce(ai_confidence_avg, 0) * answer_count + (p_turn ->> 'confidence')::numeric) / (answer_count + 1),
        sentiment_score_avg =
            (coalesce(sentiment_score_avg, 0) * answer_count + (p_turn ->> 'sentiment')::numeric) / (answer_count + 1),
        emotion_trajectory = CASE
            WHEN jsonb_array_length(emotion_trajectory) >= 20 THEN emotion_trajectory - 0 ELSE emotion_trajectory
        END || jsonb_build_array(p_turn ->> 'emotion'),
        version = version + 1
    WHERE organization_id = p_org AND id = (p_conversation ->> 'id')::uuid
        AND version = (p_conversation ->> 'version')::int;
    IF NOT FOUND THEN
        SELECT answer::text INTO given FROM ai.turns
        WHERE organization_id = p_org AND heard_id = (p_turn ->> 'heard')::uuid;
        RETURN coalesce(given, 'conflict');
    END IF;
    INSERT INTO core.messages (
        organization_id, id, conversation_id, sender_type, kind, content, in_reply_to, created_at,
        ai_model_used, processing_time_ms
    )
    SELECT
        p_org, (m ->> 'id')::uuid, (p_conversation ->> 'id')::uuid, m ->> 'sender', m ->> 'kind', m ->> 'content',
        (m ->> 'in_reply_to')::uuid, (m ->> 'at')::timestamptz,
        p_turn ->> 'route', (p_turn ->> 'processing_ms')::int
    FROM jsonb_array_elements(p_messages) m;
    UPDATE core.messages SET
        intent = p_turn ->> 'intent',
        intent_confidence = (p_turn ->> 'intent_confidence')::numeric,
        sentiment = (p_turn ->> 'sentiment')::numeric,
        emotion = p_turn ->> 'emotion',
        entities = p_turn -> 'entities'
    WHERE organization_id = p_org AND id = (p_turn ->> 'heard')::uuid;
    INSERT INTO ai.turns (
        organization_id, reply_id, conversation_id, heard_id, answer, ruleset, confidence, tags,
        trial, beside
    )
    VALUES (
        p_org, (p_turn ->> 'reply')::uuid, (p_conversation ->> 'id')::uuid, (p_turn ->> 'heard')::uuid,
        p_turn -> 'answer', p_turn ->> 'ruleset', (p_turn ->> 'confidence')::numeric,
        ARRAY(SELECT jsonb_array_elements_text(p_turn -> 'tags')),
        (p_turn ->> 'trial')::uuid, NULLIF(p_turn -> 'beside', 'null'::jsonb)
    );
    INSERT INTO core.rule_actions (organization_id, key, conversation_id, heard_id, rule, action, depth)
    SELECT
        p_org, a ->> 'key', (p_conversation ->> 'id')::uuid, (p_turn ->> 'heard')::uuid, a ->> 'rule', a -> 'action',
        coalesce((p_turn ->> 'depth')::int, 0)
    FROM jsonb_array_elements(coalesce(p_turn -> 'actions', '[]')) a
    ON CONFLICT DO NOTHING;
    INSERT INTO core.outbox (organization_id, event) SELECT p_org, e FROM jsonb_array_elements(p_events) e;
    RETURN NULL;
END
$$;
