-- name: ai_call_reserve
-- Reserve the most that a call can cost from the budget of its team today, and begin its row; no row if the budget does
-- not suffice. The row of the budget is locked by the update, so concurrent callers never reserve more than the limit.
WITH amount AS (
    SELECT round(%(usd)s::float8::numeric, 9) AS usd, %(limit)s::float8::numeric AS most
),
reserved AS (
    INSERT INTO ai_budgets AS b (team, day, reserved_usd)
    SELECT %(team)s, (now() AT TIME ZONE 'utc')::date, a.usd FROM amount a WHERE a.usd <= a.most
    ON CONFLICT (team, day) DO UPDATE SET reserved_usd = b.reserved_usd + excluded.reserved_usd
    WHERE b.spent_usd + b.reserved_usd + excluded.reserved_usd <= (SELECT a.most FROM amount a)
    RETURNING b.team
)
INSERT INTO ai_calls (id, request_id, team, actor, operation, model, reserved_usd, expires_at, price_as_of, reason)
SELECT %(id)s::uuid, %(request_id)s, r.team, %(actor)s, %(operation)s, %(model)s, a.usd,
       now() + %(seconds)s::float8 * interval '1 second', %(price_as_of)s::date, %(reason)s
FROM reserved r CROSS JOIN amount a
RETURNING id;

-- name: ai_call_finish
-- Complete the row of a call with what it used, and replace its reservation by what it cost. The row of the call is
-- locked before that of the budget, as by ai_calls_release.
WITH call AS (
    SELECT c.id, c.team, c.called_at, c.reserved_usd FROM ai_calls c WHERE c.id = %(id)s::uuid FOR UPDATE
),
amount AS (
    SELECT round(%(usd)s::float8::numeric, 9) AS usd
),
finished AS (
    UPDATE ai_calls c
    SET reserved_usd = 0, expires_at = NULL, usd = a.usd, input_tokens = %(input_tokens)s,
        output_tokens = %(output_tokens)s, cache_read_tokens = %(cache_read_tokens)s,
        cache_write_tokens = %(cache_write_tokens)s, estimated = %(estimated)s, seconds = %(seconds)s,
        first_token_seconds = %(first_token_seconds)s, failure = %(failure)s,
        provider_request_id = %(provider_request_id)s
    FROM call, amount a WHERE c.id = call.id
)
UPDATE ai_budgets b SET reserved_usd = b.reserved_usd - call.reserved_usd, spent_usd = b.spent_usd + a.usd
FROM call, amount a
WHERE b.team = call.team AND b.day = (call.called_at AT TIME ZONE 'utc')::date
RETURNING true;

-- name: ai_calls_release
-- End the calls whose reservations have expired, since their processes ended, and release what was reserved for them.
WITH expired AS (
    SELECT c.id, c.team, (c.called_at AT TIME ZONE 'utc')::date AS day, c.reserved_usd
    FROM ai_calls c WHERE c.expires_at < now() ORDER BY c.id FOR UPDATE
),
released AS (
    UPDATE ai_calls c SET reserved_usd = 0, expires_at = NULL, failure = 'LOST'
    FROM expired e WHERE c.id = e.id
)
UPDATE ai_budgets b SET reserved_usd = b.reserved_usd - sums.usd
FROM (SELECT e.team, e.day, sum(e.reserved_usd) AS usd FROM expired e GROUP BY e.team, e.day) sums
WHERE b.team = sums.team AND b.day = sums.day
RETURNING sums.usd::float8;

-- name: ai_budget_left
-- What the team may still use today of its limit, in USD, without reservations that have expired; below zero if the limit
-- was lowered.
SELECT (%(limit)s::float8::numeric - coalesce(sum(b.spent_usd + b.reserved_usd), 0) + coalesce(sum((
    SELECT sum(c.reserved_usd) FROM ai_calls c
    WHERE c.team = b.team AND c.expires_at < now() AND (c.called_at AT TIME ZONE 'utc')::date = b.day)), 0))::float8
FROM ai_budgets b WHERE b.team = %(team)s AND b.day = (now() AT TIME ZONE 'utc')::date;

-- name: ai_cache_insert
-- Insert the result of a look-up in the semantic cache.
INSERT INTO ai_calls (id, request_id, team, actor, operation, model, cache, cache_check)
VALUES (%(id)s::uuid, %(request_id)s, %(team)s, %(actor)s, %(operation)s, '', %(cache)s, %(cache_check)s)
RETURNING true;

-- name: ai_call_gate
-- Set what the faithfulness gate found in the reply of a call.
UPDATE ai_calls SET gate_accepted = %(accepted)s, gate_rejected = %(rejected)s, escalated = %(escalated)s
WHERE id = %(id)s::uuid
RETURNING true;

-- name: ai_model_speeds
-- By model: how fast its last calls of the last seven days were, at most 200 calls each. Tokens a second are counted
-- after the first token; a call that was not streamed has no time of one.
SELECT m.model, count(*) FILTER (WHERE c.failure = '') AS calls, count(*) FILTER (WHERE c.failure <> '') AS failures,
       count(c.first_token_seconds) FILTER (WHERE c.failure = '') AS first_tokens,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.first_token_seconds) FILTER (WHERE c.failure = '')
           AS first_token_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY c.first_token_seconds) FILTER (WHERE c.failure = '')
           AS first_token_p95,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.rate) FILTER (WHERE c.failure = '') AS rate_p50,
       percentile_cont(0.05) WITHIN GROUP (ORDER BY c.rate) FILTER (WHERE c.failure = '') AS rate_p5
FROM unnest(%(models)s::text[]) AS m (model)
CROSS JOIN LATERAL (
    SELECT a.failure, a.first_token_seconds,
           a.output_tokens / nullif(a.seconds - coalesce(a.first_token_seconds, 0), 0) AS rate
    FROM ai_calls a
    WHERE a.model = m.model AND a.model <> '' AND a.called_at > now() - interval '7 days' AND a.expires_at IS NULL
    ORDER BY a.called_at DESC LIMIT 200
) c
GROUP BY m.model;

-- name: ai_calls_purge
-- Delete the oldest calls that are older than so many days, at most so many.
DELETE FROM ai_calls WHERE id IN (
    SELECT c.id FROM ai_calls c WHERE c.called_at < now() - %(days)s * interval '1 day' ORDER BY c.called_at
    LIMIT %(most)s
)
RETURNING true;

-- name: ai_budgets_purge
-- Delete the oldest budgets that are older than so many days, at most so many.
DELETE FROM ai_budgets WHERE (team, day) IN (
    SELECT b.team, b.day FROM ai_budgets b WHERE b.day < (now() - %(days)s * interval '1 day')::date ORDER BY b.day
    LIMIT %(most)s
)
RETURNING true;
