-- Calls of language models with their cost, and the budget that each team has used on a day (UTC).

-- What a team has spent, and what is reserved for calls in progress, in USD. A caller in no team has the team ''.
CREATE TABLE ai_budgets (
    team text NOT NULL,
    day date NOT NULL,
    spent_usd numeric NOT NULL DEFAULT 0 CHECK (spent_usd >= 0),
    reserved_usd numeric NOT NULL DEFAULT 0 CHECK (reserved_usd >= 0),
    PRIMARY KEY (team, day)
);

-- A row for each attempt to call a model, and for each look-up in the semantic cache, which calls none.
CREATE TABLE ai_calls (
    id uuid PRIMARY KEY,
    request_id text NOT NULL,
    team text NOT NULL,
    -- KIND:subject of the responsible person or program.
    actor text NOT NULL,
    -- The kind of task: ANSWER, SUMMARY or OPERATION.
    operation text NOT NULL,
    -- Empty for a look-up.
    model text NOT NULL,
    called_at timestamptz NOT NULL DEFAULT now(),
    -- While the call is in progress: what it may cost, and when the reservation ends without a result.
    reserved_usd numeric NOT NULL DEFAULT 0,
    expires_at timestamptz,
    input_tokens bigint NOT NULL DEFAULT 0,
    output_tokens bigint NOT NULL DEFAULT 0,
    cache_read_tokens bigint NOT NULL DEFAULT 0,
    cache_write_tokens bigint NOT NULL DEFAULT 0,
    -- Whether the tokens, and so the cost, are estimated.
    estimated boolean NOT NULL DEFAULT false,
    usd numeric NOT NULL DEFAULT 0,
    price_as_of date,
    seconds double precision NOT NULL DEFAULT 0,
    first_token_seconds double precision,
    -- Why the router chose the model.
    reason text NOT NULL DEFAULT '',
    -- How the call failed, empty for success; LOST if its process ended before it.
    failure text NOT NULL DEFAULT '',
    provider_request_id text NOT NULL DEFAULT '',
    -- The result of a look-up in the semantic cache: HIT, MISS, GUARD_REFUSED or STALE.
    cache text NOT NULL DEFAULT '',
    -- Sentences that the faithfulness gate accepted and rejected, and whether another model was asked then.
    gate_accepted integer,
    gate_rejected integer,
    escalated boolean NOT NULL DEFAULT false
);
CREATE INDEX ai_calls_by_time ON ai_calls (called_at);
CREATE INDEX ai_calls_by_model ON ai_calls (model, called_at) WHERE model <> '';
CREATE INDEX ai_calls_in_progress ON ai_calls (expires_at) WHERE expires_at IS NOT NULL;
