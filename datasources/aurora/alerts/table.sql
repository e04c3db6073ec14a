-- name: alerts_by_incidents
-- The alerts of each incident, ordered by start. Callers that can see the incident may see them.
SELECT a.incident_id AS lookup_key, a.receiver, a.fingerprint, a.status, a.labels, a.annotations, a.generator_url,
       a.starts_at, a.ends_at
FROM alerts a
WHERE a.incident_id = ANY(%(keys)s::uuid[])
ORDER BY a.starts_at, a.fingerprint, a.receiver;
