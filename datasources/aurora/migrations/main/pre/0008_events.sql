-- Events in: a queue, its dead letters, which events had their effect, and the newest time of each entity.

-- One message of one queue. Only the head of a group can be received, so that a group has one receiver at a time.
CREATE TABLE queue_messages (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL,
    id uuid NOT NULL UNIQUE,
    group_key text NOT NULL,
    body text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    head boolean NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    -- Whose the message is until it can be received again.
    receipt uuid,
    visible_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz NOT NULL DEFAULT now(),
    -- Why it failed the last time.
    reason text NOT NULL DEFAULT ''
);
CREATE INDEX queue_messages_by_group ON queue_messages (queue, group_key, position);
CREATE INDEX queue_messages_to_receive ON queue_messages (queue, visible_at, position) WHERE head;
-- What the order within a group rests on.
CREATE UNIQUE INDEX queue_messages_one_head ON queue_messages (queue, group_key) WHERE head;

-- What was sent in the last minutes, so that it is not sent twice.
CREATE TABLE queue_deduplication (
    queue text NOT NULL,
    deduplication_id text NOT NULL,
    sent_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (queue, deduplication_id)
);
CREATE INDEX queue_deduplication_by_age ON queue_deduplication (queue, sent_at);

CREATE TABLE dead_letters (
    id uuid PRIMARY KEY,
    queue text NOT NULL,
    group_key text NOT NULL,
    body text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    attempt integer NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    sent_at timestamptz NOT NULL,
    died_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX dead_letters_by_age ON dead_letters (queue, died_at, id);

-- Events that had their effect; written in the transaction of the effect.
CREATE TABLE received_events (
    source text NOT NULL,
    id text NOT NULL,
    -- SHA-256 of what the event says, without white space and order of members.
    content bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, id)
);
CREATE INDEX received_events_by_age ON received_events (received_at);

-- The newest events of an entity from one source: what upserted it and what retired or removed it. An entity that is
-- not known yet has its row too, so that an upsert that comes late does not bring it back.
CREATE TABLE event_times (
    source text NOT NULL,
    entity text NOT NULL,
    identity text NOT NULL,
    upserted_at timestamptz,
    upserted_by text NOT NULL DEFAULT '',
    ended_at timestamptz,
    ended_by text NOT NULL DEFAULT '',
    PRIMARY KEY (source, entity, identity)
);
