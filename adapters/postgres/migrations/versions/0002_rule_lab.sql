-- The rule lab: drafts that people edit, the life of an immutable version, and the audit trail.

ALTER TABLE core.rule_sets
    ADD COLUMN parent TEXT,
    ADD COLUMN state TEXT NOT NULL DEFAULT 'retired',
    ADD COLUMN approver TEXT,
    ADD COLUMN note TEXT NOT NULL DEFAULT '',
    ADD COLUMN analysis JSONB,
    ADD COLUMN published_at TIMESTAMPTZ,
    ADD CONSTRAINT chk_rule_set_state CHECK (state IN ('in_review', 'live', 'retired', 'rejected'));

UPDATE core.rule_sets r SET state = 'live', published_at = r.created_at
FROM core.organizations o WHERE o.id = r.organization_id AND o.active_ruleset = r.hash;

CREATE UNIQUE INDEX uq_rule_set_live ON core.rule_sets (organization_id) WHERE state = 'live';

-- `version` is the optimistic lock of an editor.
CREATE TABLE core.rule_drafts (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id UUID NOT NULL DEFAULT core.new_id(),
    title TEXT NOT NULL,
    document BYTEA NOT NULL,
    parent TEXT,
    author TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (organization_id, id)
);

-- Append only: the application may write and read entries, never change one.
CREATE TABLE audit.entries (
    organization_id UUID NOT NULL REFERENCES core.organizations (id),
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMPTZ NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    details JSONB NOT NULL DEFAULT '{}',
    PRIMARY KEY (organization_id, id)
);

DO $$
DECLARE
    t text;
    told CONSTANT text := '(organization_id = (SELECT NULLIF(current_setting(''app.current_org_id'', true), '''')::uuid))';
BEGIN
    FOREACH t IN ARRAY ARRAY['core.rule_drafts', 'audit.entries']
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
        EXECUTE format('CREATE POLICY tenant ON %s FOR ALL TO casepilot_app USING %s WITH CHECK %s', t, told, told);
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA audit TO casepilot_app;
GRANT SELECT, INSERT ON audit.entries TO casepilot_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON core.rule_drafts TO casepilot_app;
GRANT UPDATE (state, approver, published_at) ON core.rule_sets TO casepilot_app;
