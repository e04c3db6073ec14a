-- Incidents and changes by the keys of other systems, and alerts of monitoring with the incidents that they made.

CREATE TABLE incident_keys (
    source text NOT NULL CHECK (source <> ''),
    key text NOT NULL CHECK (key <> ''),
    incident_id uuid NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    PRIMARY KEY (source, key)
);
CREATE INDEX incident_keys_by_incident ON incident_keys (incident_id, source, key);

CREATE TABLE change_keys (
    source text NOT NULL CHECK (source <> ''),
    key text NOT NULL CHECK (key <> ''),
    change_id uuid NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    PRIMARY KEY (source, key)
);
CREATE INDEX change_keys_by_change ON change_keys (change_id, source, key);

-- Alerts that are notified of together, and the incident that the newest of them belong to.
CREATE TABLE alert_groups (
    receiver text NOT NULL,
    -- BLAKE2b of the group key, which may be longer than an entry of an index.
    digest text NOT NULL,
    group_key text NOT NULL,
    incident_id uuid REFERENCES incidents (id) ON DELETE SET NULL,
    PRIMARY KEY (receiver, digest)
);
CREATE INDEX alert_groups_by_incident ON alert_groups (incident_id) WHERE incident_id IS NOT NULL;

-- One firing of one alert: it began at starts_at. A row may be there before the alert is known to have fired, as
-- notifications come in any order.
CREATE TABLE alerts (
    receiver text NOT NULL,
    fingerprint text NOT NULL,
    starts_at timestamptz NOT NULL,
    group_digest text NOT NULL,
    -- None until its firing is known.
    incident_id uuid REFERENCES incidents (id) ON DELETE CASCADE,
    -- When this very firing was said to be over; and when it was over, which a later firing's end says too.
    resolved_at timestamptz,
    ends_at timestamptz CHECK (ends_at >= starts_at),
    status text NOT NULL GENERATED ALWAYS AS (CASE WHEN ends_at IS NULL THEN 'FIRING' ELSE 'RESOLVED' END) STORED,
    labels jsonb NOT NULL DEFAULT '{}',
    annotations jsonb NOT NULL DEFAULT '{}',
    generator_url text NOT NULL DEFAULT '',
    PRIMARY KEY (receiver, fingerprint, starts_at)
);
CREATE INDEX alerts_by_incident ON alerts (incident_id, starts_at, fingerprint) WHERE incident_id IS NOT NULL;
-- Which end of an alert is the first after a moment.
CREATE INDEX alerts_by_resolution ON alerts (receiver, fingerprint, resolved_at) WHERE resolved_at IS NOT NULL;
