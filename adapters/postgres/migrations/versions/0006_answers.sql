-- What language models cost each tenant, by day (UTC) and model; say adds to it, hear tells what was spent today.

CREATE TABLE ai.spending (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    day DATE NOT NULL,
    model_name VARCHAR(100) NOT NULL,
    requests INTEGER NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost NUMERIC(14, 6) NOT NULL,
    PRIMARY KEY (organization_id, day, model_name)
);
ALTER TABLE ai.spending ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai.spending FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON ai.spending FOR ALL TO casepilot_app
    USING (organization_id = (SELECT NULLIF(current_setting('app.current_org_id', true), '')::uuid))
    WITH CHECK (organization_id = (SELECT NULLIF(current_setting('app.current_org_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON ai.spending TO casepilot_app;

-- How customers put what an article answers.
ALTER TABLE ai.knowledge_entries ADD COLUMN asked TEXT [] NOT NULL DEFAULT '{}';

-- Hear as before, with the tenant's policy of answers and what models cost today.
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
        'answers', o.settings -> 'answers',
        'spent', CASE WHEN o.settings #>> '{answers,daily_cost}' IS NOT NULL THEN (
            SELECT coalesce(sum(cost), 0)::float FROM ai.spending
            WHERE organization_id = p_org AND day = (now() AT TIME ZONE 'UTC')::date
        ) ELSE 0 END,
        'trial', CASE WHEN t.id IS NOT NULL THEN json_build_object(
            'id', t.id, 'candidate', t.candidate, 'percent', t.percent, 'bound', t.bound
        ) END,
        'reply', given::json
    )::text;
END
$$;
