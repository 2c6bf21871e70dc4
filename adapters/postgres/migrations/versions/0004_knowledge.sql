-- Knowledge that says whom it is for, changes by articles, stored snapshots, proposals, and tenants' own intents.

ALTER TABLE ai.knowledge_entries
    ADD COLUMN version TEXT NOT NULL DEFAULT '',
    ADD COLUMN language VARCHAR(10) NOT NULL DEFAULT 'en',
    ADD COLUMN audience VARCHAR(20) NOT NULL DEFAULT 'everyone',
    ADD COLUMN access_groups TEXT [] NOT NULL DEFAULT '{}',
    ADD COLUMN valid_from DATE,
    ADD COLUMN valid_until DATE,
    ADD COLUMN flags TEXT [] NOT NULL DEFAULT '{}',
    ADD COLUMN failure_count INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN changed_in INTEGER NOT NULL DEFAULT 0,
    ADD CONSTRAINT chk_audience CHECK (audience IN ('everyone', 'staff'));
-- What became of an article's answers does not make it newer; its content does.
DROP TRIGGER touch ON ai.knowledge_entries;
CREATE TRIGGER touch BEFORE UPDATE OF content_hash ON ai.knowledge_entries
    FOR EACH ROW EXECUTE FUNCTION core.touch();
CREATE INDEX idx_knowledge_changed ON ai.knowledge_entries (changed_in, organization_id);

-- An embedding is used again as long as the text that it is of stays the same.
ALTER TABLE ai.passages
    ADD COLUMN anchor TEXT NOT NULL DEFAULT '',
    ADD COLUMN digest TEXT NOT NULL DEFAULT '';

CREATE TABLE ai.removed_articles (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    article_id TEXT NOT NULL,
    removed_in INTEGER NOT NULL,
    PRIMARY KEY (organization_id, article_id)
);

-- A whole index as bytes, in parts: written by workers, read by processes that answer.
CREATE TABLE ai.snapshots (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    part INTEGER NOT NULL,
    version INTEGER NOT NULL,
    format INTEGER NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (organization_id, part)
);

-- What people should look at: articles learned from conversations, questions without an answer, doubtful articles.
CREATE TABLE ai.proposals (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    detail JSONB NOT NULL DEFAULT '{}',
    state TEXT NOT NULL DEFAULT 'open',
    decided_by TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    decided_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id),
    UNIQUE (key, organization_id, kind),
    CONSTRAINT chk_proposal_kind CHECK (kind IN ('article', 'gap', 'doubt')),
    CONSTRAINT chk_proposal_state CHECK (state IN ('open', 'accepted', 'rejected', 'outdated'))
);

-- A tenant's own intents, and the models trained with them.
CREATE TABLE ai.intents (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    name TEXT NOT NULL,
    document JSONB NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, name)
);
CREATE TABLE ai.trainings (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL,
    actor TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting',
    report JSONB,
    error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT chk_training_state CHECK (state IN ('waiting', 'running', 'live', 'refused', 'failed'))
);
CREATE INDEX idx_trainings_state ON ai.trainings (state);
CREATE TABLE ai.intent_models (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    hash TEXT NOT NULL,
    data BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, hash)
);
-- The names of a tenant's own objects and fields, one document; its hash tells processes when it changed.
CREATE TABLE ai.vocabularies (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    document BYTEA NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id)
);
ALTER TABLE core.organizations ADD COLUMN vocabulary TEXT, ADD COLUMN intent_model TEXT,
    ADD CONSTRAINT fk_intent_model FOREIGN KEY (id, intent_model) REFERENCES ai.intent_models (organization_id, hash);

DO $$
DECLARE
    t text;
    told CONSTANT text := '(organization_id = (SELECT NULLIF(current_setting(''app.current_org_id'', true), '''')::uuid))';
BEGIN
    FOREACH t IN ARRAY ARRAY[
        'ai.removed_articles', 'ai.snapshots', 'ai.proposals', 'ai.intents', 'ai.trainings', 'ai.intent_models',
        'ai.vocabularies'
    ]
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %s FOR ALL TO casepilot_app USING %s WITH CHECK %s', t, told, told);
    END LOOP;
END
$$;

CREATE POLICY worker_select ON ai.trainings FOR SELECT TO casepilot_worker
    USING (state = 'waiting' AND (SELECT current_setting('app.worker', true) = 'on'));
GRANT USAGE ON SCHEMA ai TO casepilot_worker;
GRANT SELECT (organization_id, id, state) ON ai.trainings TO casepilot_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON ai.removed_articles, ai.snapshots, ai.intents TO casepilot_app;
GRANT SELECT, INSERT, UPDATE ON ai.proposals, ai.trainings, ai.vocabularies TO casepilot_app;
GRANT SELECT, INSERT ON ai.intent_models TO casepilot_app;
GRANT UPDATE (intent_model, vocabulary) ON core.organizations TO casepilot_app;

-- Hear as before, with the tenant's intent model.
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
        'knowledge', o.knowledge_version, 'intents', o.intent_model, 'vocabulary', o.vocabulary, 'calendar', o.settings -> 'calendar',
        'trial', CASE WHEN t.id IS NOT NULL THEN json_build_object(
            'id', t.id, 'candidate', t.candidate, 'percent', t.percent, 'bound', t.bound
        ) END,
        'reply', given::json
    )::text;
END
$$;
