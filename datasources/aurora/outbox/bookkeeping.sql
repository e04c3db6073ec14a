-- name: answer_kept
-- The action and the changes of an earlier call with an idempotency key. Locks the key until the transaction ends.
SELECT action, input, entity_ids::text[], user_errors FROM idempotent_answers
WHERE principal = %(principal)s AND key = %(key)s FOR UPDATE;

-- name: answer_keeping
-- Claim an idempotency key; waits for a concurrent claim of the same key.
INSERT INTO idempotent_answers (principal, key, action, input, entity_ids)
VALUES (%(principal)s, %(key)s, %(action)s, %(input)s, '{}')
ON CONFLICT DO NOTHING
RETURNING true;

-- name: answer_known
-- Store what the call with an idempotency key changed, and its user errors.
UPDATE idempotent_answers SET entity_ids = %(ids)s::uuid[], user_errors = %(user_errors)s::jsonb
WHERE principal = %(principal)s AND key = %(key)s;

-- name: answers_forgotten
-- Delete responses that are older than so many hours, at most so many, and none that a call reads.
DELETE FROM idempotent_answers WHERE (principal, key) IN (
    SELECT principal, key FROM idempotent_answers WHERE answered_at < now() - %(hours)s * interval '1 hour'
    ORDER BY answered_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING true;

-- name: audit
-- Insert audit entries.
INSERT INTO audit_entries (id, request_id, principal, action, entity, entity_id, before, after)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(request_ids)s::text[], %(principals)s::text[], %(actions)s::text[], %(entities)s::text[],
    %(entity_ids)s::uuid[], %(befores)s::jsonb[], %(afters)s::jsonb[]);

-- name: outbox_signed
-- Set the request id in this transaction's outbox rows; return the number of the transaction, which is never reused.
WITH signed AS (
    UPDATE outbox SET request_id = %(request_id)s WHERE transaction = pg_current_xact_id()
)
SELECT pg_current_xact_id()::text::bigint;

-- name: outbox_signed_by
-- Like outbox_signed, with the principal behind the request, the run that it wrote for, and whether an executor sent
-- it. Only the main database has columns for these.
WITH signed AS (
    UPDATE outbox SET request_id = %(request_id)s, actor = %(actor)s, cause_run_id = %(cause_run_id)s,
                      by_executor = %(by_executor)s
    WHERE transaction = pg_current_xact_id()
)
SELECT pg_current_xact_id()::text::bigint;

-- name: outbox_signed_each
-- Set the request id and the principal in this transaction's outbox rows, by entity.
UPDATE outbox o SET request_id = g.request_id, actor = g.actor
FROM unnest(%(entity_ids)s::uuid[], %(request_ids)s::text[], %(actors)s::text[]) AS g (entity_id, request_id, actor)
WHERE o.transaction = pg_current_xact_id() AND o.entity_id = g.entity_id;

-- name: transaction_projected
-- Whether the graph contains all writes of a transaction and of earlier ones: after two writes a caller sends only the
-- later number.
SELECT NOT EXISTS (
    SELECT FROM outbox WHERE transaction <= %(number)s::text::xid8 AND NOT projected AND refused = ''
);
