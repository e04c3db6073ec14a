-- name: answer_kept
-- What an earlier call with an idempotency key was about and what it changed. Locks the key until the transaction ends.
SELECT action, input, entity_ids::text[], user_errors FROM idempotent_answers
WHERE principal = %(principal)s AND key = %(key)s FOR UPDATE;

-- name: answer_keeping
-- Claim an idempotency key; waits for whoever claims it at the same time.
INSERT INTO idempotent_answers (principal, key, action, input, entity_ids)
VALUES (%(principal)s, %(key)s, %(action)s, %(input)s, '{}')
ON CONFLICT DO NOTHING
RETURNING true;

-- name: answer_known
-- What the call with an idempotency key changed, and what of it was refused.
UPDATE idempotent_answers SET entity_ids = %(ids)s::uuid[], user_errors = %(user_errors)s::jsonb
WHERE principal = %(principal)s AND key = %(key)s;

-- name: answers_forgotten
-- Drop answers that are older than so many hours, at most so many, none that a call looks at.
DELETE FROM idempotent_answers WHERE (principal, key) IN (
    SELECT principal, key FROM idempotent_answers WHERE answered_at < now() - %(hours)s * interval '1 hour'
    ORDER BY answered_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING true;

-- name: audit
-- Who changed what, from what to what.
INSERT INTO audit_entries (id, request_id, principal, action, entity, entity_id, before, after)
SELECT a.id, %(request_id)s, %(principal)s, %(action)s, a.entity, a.entity_id, a.before, a.after
FROM unnest(%(ids)s::uuid[], %(entities)s::text[], %(entity_ids)s::uuid[], %(befores)s::jsonb[], %(afters)s::jsonb[])
    AS a (id, entity, entity_id, before, after);

-- name: outbox_signed
-- Tell the outbox rows of this transaction whose request made them; the number of the transaction, which is never used
-- again.
WITH signed AS (
    UPDATE outbox SET request_id = %(request_id)s WHERE transaction = pg_current_xact_id()
)
SELECT pg_current_xact_id()::text::bigint;

-- name: transaction_projected
-- Whether the graph holds everything that a transaction wrote.
SELECT NOT EXISTS (
    SELECT FROM outbox WHERE transaction = %(number)s::text::xid8 AND NOT projected AND refused = ''
);
