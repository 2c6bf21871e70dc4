-- The customer's schema (core, ai, analytics, audit) with its defects mended; see ops/decisions/0002.
-- Every tenant table carries organization_id in its primary key, so that neither a unique constraint nor a
-- foreign key can tell one tenant about another. No other index of a whole table begins with it (decision 0007).

CREATE EXTENSION IF NOT EXISTS vector;

CREATE SCHEMA core;
CREATE SCHEMA ai;
CREATE SCHEMA analytics;
CREATE SCHEMA audit;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'casepilot_app') THEN
        CREATE ROLE casepilot_app NOLOGIN NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'casepilot_worker') THEN
        CREATE ROLE casepilot_worker NOLOGIN NOBYPASSRLS;
    END IF;
    -- Ids are ordered by time where the server can make them so (PostgreSQL 18 and newer).
    IF current_setting('server_version_num')::int >= 180000 THEN
        CREATE FUNCTION core.new_id() RETURNS uuid LANGUAGE sql VOLATILE
            SET search_path = pg_catalog AS 'SELECT uuidv7()';
    ELSE
        CREATE FUNCTION core.new_id() RETURNS uuid LANGUAGE sql VOLATILE
            SET search_path = pg_catalog AS 'SELECT gen_random_uuid()';
    END IF;
END
$$;

CREATE FUNCTION core.touch() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    NEW.updated_at = CURRENT_TIMESTAMP;
    RETURN NEW;
END
$$;

CREATE TABLE core.organizations (
    id UUID PRIMARY KEY DEFAULT core.new_id(),
    name VARCHAR(255) NOT NULL,
    salesforce_org_id VARCHAR(18) UNIQUE,
    subscription_tier VARCHAR(50) NOT NULL DEFAULT 'starter',
    max_conversations_per_month INTEGER DEFAULT 10000,
    max_users INTEGER DEFAULT 100,
    settings JSONB NOT NULL DEFAULT '{}',
    active_ruleset TEXT,
    knowledge_version INTEGER NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT chk_subscription CHECK (subscription_tier IN ('free', 'starter', 'professional', 'enterprise'))
);

CREATE TABLE core.users (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL DEFAULT core.new_id(),
    external_id VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    first_name VARCHAR(100),
    last_name VARCHAR(100),
    preferences JSONB NOT NULL DEFAULT '{}',
    status VARCHAR(50) NOT NULL DEFAULT 'active',
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, id),
    UNIQUE (email, organization_id),
    UNIQUE (external_id, organization_id),
    CONSTRAINT chk_user_status CHECK (status IN ('active', 'inactive', 'suspended'))
);

CREATE TABLE core.conversations (
    organization_id UUID NOT NULL,
    id UUID NOT NULL DEFAULT core.new_id(),
    user_id UUID NOT NULL,
    channel VARCHAR(50) NOT NULL,
    status VARCHAR(50) NOT NULL DEFAULT 'active',
    priority INTEGER NOT NULL DEFAULT 2,
    started_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    last_activity_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    ended_at TIMESTAMPTZ,
    resolution_time_seconds INTEGER GENERATED ALWAYS AS (EXTRACT(EPOCH FROM ended_at - started_at)::integer) STORED,
    message_count INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0,
    answer_count INTEGER NOT NULL DEFAULT 0,
    ai_confidence_avg DECIMAL(4, 3),
    sentiment_score_avg DECIMAL(4, 3),
    emotion_trajectory JSONB NOT NULL DEFAULT '[]',
    resolution_type VARCHAR(50),
    escalated BOOLEAN NOT NULL DEFAULT FALSE,
    escalation_reason VARCHAR(1000),
    handoff JSONB,
    satisfaction_score DECIMAL(2, 1),
    context JSONB NOT NULL DEFAULT '{}',
    metadata JSONB NOT NULL DEFAULT '{}',
    version INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, user_id) REFERENCES core.users (organization_id, id),
    CONSTRAINT chk_status CHECK (status IN ('active', 'waiting', 'resolved', 'escalated', 'abandoned')),
    CONSTRAINT chk_channel CHECK (channel IN ('web', 'mobile', 'email', 'slack', 'teams', 'api'))
);

CREATE UNIQUE INDEX uq_conversation_open ON core.conversations (organization_id, user_id, channel)
    WHERE status IN ('active', 'waiting');
CREATE INDEX idx_conv_silent ON core.conversations (last_activity_at) WHERE status = 'active';
CREATE INDEX idx_conv_unanswered ON core.conversations (last_activity_at) WHERE unanswered > 0;
CREATE INDEX idx_conv_day ON core.conversations (started_at, organization_id);

CREATE TABLE core.messages (
    organization_id UUID NOT NULL,
    id UUID NOT NULL DEFAULT core.new_id(),
    conversation_id UUID NOT NULL,
    seq BIGINT GENERATED ALWAYS AS IDENTITY,
    sender_type VARCHAR(20) NOT NULL,
    kind VARCHAR(20) NOT NULL DEFAULT '',
    content TEXT NOT NULL,
    attachments JSONB NOT NULL DEFAULT '[]',
    in_reply_to UUID,
    intent VARCHAR(100),
    intent_confidence DECIMAL(4, 3),
    entities JSONB NOT NULL DEFAULT '[]',
    sentiment DECIMAL(4, 3),
    emotion VARCHAR(50),
    ai_model_used VARCHAR(100),
    processing_time_ms INTEGER,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES core.conversations (organization_id, id),
    FOREIGN KEY (organization_id, in_reply_to) REFERENCES core.messages (organization_id, id),
    CONSTRAINT uq_one_reply UNIQUE (in_reply_to, organization_id),
    CONSTRAINT chk_sender CHECK (sender_type IN ('user', 'ai_agent', 'human_agent', 'system'))
);

CREATE INDEX idx_messages_conv ON core.messages (conversation_id, organization_id, seq);

CREATE TABLE core.feedback (
    organization_id UUID NOT NULL,
    message_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    helpful BOOLEAN NOT NULL,
    comment TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (organization_id, message_id),
    FOREIGN KEY (organization_id, message_id) REFERENCES core.messages (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES core.conversations (organization_id, id)
);

CREATE TABLE core.rule_sets (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    hash TEXT NOT NULL,
    source BYTEA NOT NULL,
    author TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, hash)
);
ALTER TABLE core.organizations ADD CONSTRAINT fk_active_ruleset
    FOREIGN KEY (id, active_ruleset) REFERENCES core.rule_sets (organization_id, hash);

CREATE TABLE core.api_keys (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL DEFAULT core.new_id(),
    name TEXT NOT NULL,
    hash BYTEA NOT NULL,
    scopes TEXT [] NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    expires_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ,
    PRIMARY KEY (organization_id, id),
    UNIQUE (hash, organization_id)
);

CREATE TABLE core.idempotency (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status INTEGER,
    body BYTEA,
    lease_until TIMESTAMPTZ NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, key)
);
CREATE INDEX idx_idempotency_age ON core.idempotency (created_at);

CREATE TABLE core.outbox (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    event JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, id)
);

CREATE TABLE core.jobs (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL DEFAULT core.new_id(),
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    run_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    lease_until TIMESTAMPTZ,
    tries INTEGER NOT NULL DEFAULT 0,
    asked INTEGER NOT NULL DEFAULT 1,
    dead BOOLEAN NOT NULL DEFAULT FALSE,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (id, organization_id)
);
CREATE UNIQUE INDEX uq_job_waiting ON core.jobs (organization_id, kind, key) WHERE NOT dead;
CREATE INDEX idx_jobs_due ON core.jobs (run_at) WHERE NOT dead;

CREATE TABLE ai.knowledge_entries (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id TEXT NOT NULL,
    category VARCHAR(100) NOT NULL,
    product VARCHAR(100) NOT NULL,
    title VARCHAR(500) NOT NULL,
    content TEXT NOT NULL,
    api_versions TEXT NOT NULL DEFAULT 'all',
    error_codes TEXT [] NOT NULL DEFAULT '{}',
    sources TEXT [] NOT NULL DEFAULT '{}',
    content_hash TEXT NOT NULL,
    confidence_score DECIMAL(4, 3) NOT NULL DEFAULT 1.0,
    usage_count INTEGER NOT NULL DEFAULT 0,
    success_count INTEGER NOT NULL DEFAULT 0,
    search_vector TSVECTOR GENERATED ALWAYS AS (
        setweight(to_tsvector('english', title), 'A') || setweight(to_tsvector('english', content), 'B')
    ) STORED,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX idx_knowledge_search ON ai.knowledge_entries USING gin (search_vector);

-- 384 dimensions (all-MiniLM-L6-v2): the customer's vector(3072) is more than any pgvector index of that type takes.
CREATE TABLE ai.passages (
    organization_id UUID NOT NULL,
    article_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    heading TEXT NOT NULL,
    body TEXT NOT NULL,
    embedding VECTOR(384) NOT NULL,
    PRIMARY KEY (organization_id, article_id, number),
    FOREIGN KEY (organization_id, article_id) REFERENCES ai.knowledge_entries (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX idx_passage_embedding ON ai.passages USING hnsw (embedding vector_cosine_ops);

CREATE TABLE ai.turns (
    organization_id UUID NOT NULL,
    reply_id UUID NOT NULL,
    conversation_id UUID NOT NULL,
    heard_id UUID NOT NULL,
    answer JSONB NOT NULL,
    ruleset TEXT,
    confidence DECIMAL(4, 3) NOT NULL,
    tags TEXT [] NOT NULL DEFAULT '{}',
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, reply_id),
    UNIQUE (heard_id, organization_id),
    FOREIGN KEY (organization_id, reply_id) REFERENCES core.messages (organization_id, id),
    FOREIGN KEY (organization_id, heard_id) REFERENCES core.messages (organization_id, id),
    FOREIGN KEY (organization_id, conversation_id) REFERENCES core.conversations (organization_id, id)
);
CREATE INDEX idx_turns_conv ON ai.turns (conversation_id, organization_id);

CREATE TABLE ai.model_performance (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    model_name VARCHAR(100) NOT NULL,
    date DATE NOT NULL,
    total_requests INTEGER NOT NULL DEFAULT 0,
    avg_confidence DECIMAL(4, 3),
    avg_latency_ms DECIMAL(10, 2),
    accuracy DECIMAL(4, 3),
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, model_name, date)
);

CREATE TABLE analytics.days (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    day DATE NOT NULL,
    channel VARCHAR(50) NOT NULL,
    started INTEGER NOT NULL,
    resolved INTEGER NOT NULL,
    automated INTEGER NOT NULL,
    escalated INTEGER NOT NULL,
    abandoned INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    refreshed_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, day, channel)
);

CREATE TRIGGER touch BEFORE UPDATE ON core.organizations FOR EACH ROW EXECUTE FUNCTION core.touch();
CREATE TRIGGER touch BEFORE UPDATE ON core.users FOR EACH ROW EXECUTE FUNCTION core.touch();
CREATE TRIGGER touch BEFORE UPDATE ON ai.knowledge_entries FOR EACH ROW EXECUTE FUNCTION core.touch();

-- Row-level security. The tenant is a setting local to the transaction; unset or empty means: nothing is visible.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT c.oid::regclass AS name, CASE WHEN c.relname = 'organizations' THEN 'id' ELSE 'organization_id' END AS col
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('core', 'ai', 'analytics') AND c.relkind = 'r'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name);
        EXECUTE format(
            'CREATE POLICY tenant ON %s FOR ALL TO casepilot_app '
            'USING (%I = (SELECT NULLIF(current_setting(''app.current_org_id'', true), '''')::uuid)) '
            'WITH CHECK (%I = (SELECT NULLIF(current_setting(''app.current_org_id'', true), '''')::uuid))',
            t.name, t.col, t.col
        );
    END LOOP;
END
$$;

-- The worker role moves jobs and events of all tenants, and sees times and states, never what was said. Its
-- sessions say so (app.worker); the role without that word, or the word without the role, sees nothing.
DO $$
DECLARE
    p text[];
    told CONSTANT text := '(SELECT current_setting(''app.worker'', true) = ''on'')';
BEGIN
    FOREACH p SLICE 1 IN ARRAY ARRAY[
        ['jobs', 'SELECT'], ['jobs', 'INSERT'], ['jobs', 'UPDATE'], ['jobs', 'DELETE'],
        ['outbox', 'SELECT'], ['outbox', 'UPDATE'], ['outbox', 'DELETE'],
        ['idempotency', 'SELECT'], ['idempotency', 'DELETE'], ['conversations', 'SELECT']
    ]
    LOOP
        EXECUTE format(
            'CREATE POLICY worker_%s ON core.%I FOR %s TO casepilot_worker %s', lower(p[2]), p[1], p[2],
            CASE p[2]
                WHEN 'INSERT' THEN 'WITH CHECK (' || told || ')'
                WHEN 'UPDATE' THEN 'USING (' || told || ') WITH CHECK (' || told || ')'
                ELSE 'USING (' || told || ')'
            END
        );
    END LOOP;
END
$$;

GRANT SELECT ON public.casepilot_migrations TO casepilot_app, casepilot_worker;
GRANT USAGE ON SCHEMA core, ai, analytics TO casepilot_app;
GRANT USAGE ON SCHEMA core TO casepilot_worker;
GRANT SELECT ON core.organizations TO casepilot_app;
GRANT UPDATE (active_ruleset, knowledge_version) ON core.organizations TO casepilot_app;
GRANT SELECT, INSERT, UPDATE ON core.users, core.conversations, core.feedback, core.api_keys TO casepilot_app;
GRANT SELECT, INSERT ON core.rule_sets, ai.turns TO casepilot_app;
GRANT SELECT, INSERT, UPDATE ON core.messages, ai.model_performance TO casepilot_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.idempotency, ai.knowledge_entries, ai.passages, analytics.days
    TO casepilot_app;
GRANT INSERT ON core.outbox TO casepilot_app;
GRANT SELECT, UPDATE, DELETE ON core.outbox TO casepilot_worker; -- UPDATE: row locks need it
GRANT SELECT, INSERT, UPDATE, DELETE ON core.jobs TO casepilot_worker;
GRANT SELECT (organization_id, created_at), DELETE ON core.idempotency TO casepilot_worker;
GRANT SELECT (organization_id, id, status, last_activity_at, unanswered) ON core.conversations TO casepilot_worker;

-- The two hot transactions of a turn, one round trip each (ports/outbound/turns.py). They store; the domain decides:
-- p_after maps each status that can hear to the status that follows.
CREATE FUNCTION core.hear(p_org uuid, p_conversation uuid, p_user uuid, p_message jsonb, p_after jsonb)
RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    c core.conversations;
    o core.organizations;
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
    IF p_after ? c.status THEN
        INSERT INTO core.messages (organization_id, id, conversation_id, sender_type, content, attachments, created_at)
        VALUES (
            p_org, (p_message ->> 'id')::uuid, p_conversation, p_message ->> 'sender', p_message ->> 'content',
            p_message -> 'attachments', (p_message ->> 'at')::timestamptz
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
        'knowledge', o.knowledge_version, 'reply', given::json
    )::text;
END
$$;

CREATE FUNCTION core.say(p_org uuid, p_conversation jsonb, p_messages jsonb, p_turn jsonb, p_events jsonb)
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
        organization_id, reply_id, conversation_id, heard_id, answer, ruleset, confidence, tags
    )
    VALUES (
        p_org, (p_turn ->> 'reply')::uuid, (p_conversation ->> 'id')::uuid, (p_turn ->> 'heard')::uuid,
        p_turn -> 'answer', p_turn ->> 'ruleset', (p_turn ->> 'confidence')::numeric,
        ARRAY(SELECT jsonb_array_elements_text(p_turn -> 'tags'))
    );
    INSERT INTO core.outbox (organization_id, event) SELECT p_org, e FROM jsonb_array_elements(p_events) e;
    RETURN NULL;
END
$$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA core FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA core TO casepilot_app;
GRANT EXECUTE ON FUNCTION core.new_id() TO casepilot_worker;
