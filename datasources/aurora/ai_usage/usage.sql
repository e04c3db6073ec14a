-- name: ai_usage_groups
-- Totals of the calls from one time until before another, by a group, those with the greatest cost first, and in one
-- row without a key the totals of all of them.
SELECT c.key, count(*) FILTER (WHERE c.model <> '') AS calls,
       coalesce(sum(c.input_tokens), 0)::float8 AS input_tokens,
       coalesce(sum(c.output_tokens), 0)::float8 AS output_tokens,
       coalesce(sum(c.cache_read_tokens), 0)::float8 AS cache_read_tokens,
       coalesce(sum(c.cache_write_tokens), 0)::float8 AS cache_write_tokens,
       coalesce(sum(c.usd), 0)::float8 AS usd,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.seconds) FILTER (WHERE c.succeeded) AS seconds_p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY c.seconds) FILTER (WHERE c.succeeded) AS seconds_p95,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY c.output_tokens / nullif(c.seconds, 0)) FILTER (WHERE c.succeeded)
           AS tokens_per_second,
       count(*) FILTER (WHERE c.failure <> '') AS failures,
       count(*) FILTER (WHERE c.failure = 'THROTTLED') AS throttles,
       count(*) FILTER (WHERE c.escalated) AS escalations,
       coalesce(sum(c.gate_accepted), 0)::bigint AS gate_accepted,
       coalesce(sum(c.gate_rejected), 0)::bigint AS gate_rejections,
       count(*) FILTER (WHERE c.cache = 'HIT') AS cache_hits,
       count(*) FILTER (WHERE c.cache = 'MISS') AS cache_misses,
       count(*) FILTER (WHERE c.cache = 'GUARD_REFUSED') AS cache_guard_refusals,
       count(*) FILTER (WHERE c.cache = 'STALE') AS cache_stale,
       count(*) FILTER (WHERE c.cache_check = 'AGREES') AS cache_agreements,
       count(*) FILTER (WHERE c.cache_check = 'DIFFERS') AS cache_differences,
       -- A hit that was compared is answered by the call that follows it.
       count(*) FILTER (WHERE (c.cache = 'HIT' AND c.cache_check = '') OR (c.gate_accepted > 0 AND NOT c.escalated)) AS answers
FROM (
    -- Not all columns, since these rows are sorted, and reasons are long.
    SELECT /*group*/ AS key, a.model, a.input_tokens, a.output_tokens, a.cache_read_tokens, a.cache_write_tokens, a.usd,
           a.seconds, a.failure, a.escalated, a.gate_accepted, a.gate_rejected, a.cache,
           a.cache_check, a.model <> '' AND a.failure = '' AND a.expires_at IS NULL AS succeeded
    FROM ai_calls a WHERE a.called_at >= %(start)s AND a.called_at < %(end)s
) c
GROUP BY GROUPING SETS ((c.key), ())
ORDER BY c.key IS NOT NULL, usd DESC, key
LIMIT %(limit)s;

-- name: ai_usage_budgets
-- What each team with a budget of today spent and reserved today, and spent in the last hour, by team.
SELECT b.team, b.day, b.spent_usd::float8 AS spent_usd, b.reserved_usd::float8 AS reserved_usd,
       coalesce(sum(c.usd), 0)::float8 AS hour_usd
FROM ai_budgets b LEFT JOIN ai_calls c ON c.team = b.team AND c.called_at > now() - interval '1 hour'
WHERE b.day = (now() AT TIME ZONE 'utc')::date
GROUP BY b.team, b.day
ORDER BY b.team
LIMIT %(limit)s;

-- name: ai_usage_windows
-- What calls and look-ups did in the last hour, in the last day, and in the seven days before it.
SELECT p.period, count(*) FILTER (WHERE c.model <> '') AS calls,
       count(*) FILTER (WHERE c.failure = 'THROTTLED') AS throttles, coalesce(sum(c.usd), 0)::float8 AS usd,
       count(*) FILTER (WHERE c.cache <> '') AS lookups, count(*) FILTER (WHERE c.cache = 'HIT') AS hits,
       count(*) FILTER (WHERE (c.cache = 'HIT' AND c.cache_check = '') OR (c.gate_accepted > 0 AND NOT c.escalated)) AS answers
FROM (VALUES ('hour', interval '1 hour', interval '0'), ('day', interval '1 day', interval '0'),
             ('week', interval '8 days', interval '1 day')) AS p (period, begin, until)
LEFT JOIN ai_calls c ON c.called_at > now() - p.begin AND c.called_at <= now() - p.until
GROUP BY p.period;

-- name: ai_usage_week_hours
-- The cost of the last hour, and of the same hour of the week so many weeks before; null before the ledger began.
SELECT w.weeks,
       CASE WHEN w.weeks = 0 OR (SELECT min(a.called_at) FROM ai_calls a) <= w.until THEN coalesce((
           SELECT sum(c.usd) FROM ai_calls c WHERE c.called_at > w.until - interval '1 hour' AND c.called_at <= w.until
       ), 0)::float8 END AS usd
FROM (SELECT s.weeks, now() - s.weeks * interval '7 days' AS until
      FROM generate_series(0, %(weeks)s::integer) AS s (weeks)) w
ORDER BY w.weeks;
