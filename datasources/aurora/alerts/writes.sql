-- name: alert_group_locked
-- Lock a group until the transaction ends; return the incident of its newest alerts, if any.
INSERT INTO alert_groups AS g (receiver, digest, group_key) VALUES (%(receiver)s, %(digest)s, %(group_key)s)
ON CONFLICT (receiver, digest) DO UPDATE SET group_key = excluded.group_key
RETURNING g.incident_id;

-- name: alert_group_moved
-- Set the incident of the newest alerts of a group.
UPDATE alert_groups SET incident_id = %(incident_id)s WHERE receiver = %(receiver)s AND digest = %(digest)s;

-- name: alert_fired
-- Insert a firing unless it is stored already; return whether it was inserted.
INSERT INTO alerts AS a (receiver, fingerprint, starts_at, group_digest, labels, annotations, generator_url, incident_id)
VALUES (%(receiver)s, %(fingerprint)s, %(starts_at)s, %(digest)s, %(labels)s::jsonb, %(annotations)s::jsonb,
        %(generator_url)s, NULL)
ON CONFLICT (receiver, fingerprint, starts_at) DO UPDATE
SET group_digest = excluded.group_digest, labels = excluded.labels, annotations = excluded.annotations,
    generator_url = excluded.generator_url
WHERE a.incident_id IS NULL
RETURNING true;

-- name: alert_resolved
-- Store the end of a firing; of several reported ends the latest.
INSERT INTO alerts AS a (receiver, fingerprint, starts_at, group_digest, labels, resolved_at)
VALUES (%(receiver)s, %(fingerprint)s, %(starts_at)s, %(digest)s, %(labels)s::jsonb, %(ends_at)s)
ON CONFLICT (receiver, fingerprint, starts_at) DO UPDATE
SET resolved_at = greatest(a.resolved_at, excluded.resolved_at);

-- name: alerts_settled
-- End the firings of an alert in a time span: at the first reported end of a firing of the same alert that is not
-- before their start. Return which were firing until now, and the incident of each.
UPDATE alerts a SET ends_at = o.ends_at
FROM (
    SELECT x.starts_at, x.ends_at IS NULL AS fired,
           (SELECT min(y.resolved_at) FROM alerts y
            WHERE y.receiver = x.receiver AND y.fingerprint = x.fingerprint AND y.resolved_at >= x.starts_at) AS ends_at
    FROM alerts x
    WHERE x.receiver = %(receiver)s AND x.fingerprint = %(fingerprint)s AND x.starts_at <= %(until)s
      AND (x.ends_at IS NULL OR x.ends_at >= %(since)s)
) o
WHERE a.receiver = %(receiver)s AND a.fingerprint = %(fingerprint)s AND a.starts_at = o.starts_at
  AND a.ends_at IS DISTINCT FROM o.ends_at
RETURNING a.incident_id, o.fired AS value;

-- name: alert_attached
-- Set the incident of a firing; return when the firing ended, if it did.
UPDATE alerts SET incident_id = %(incident_id)s
WHERE receiver = %(receiver)s AND fingerprint = %(fingerprint)s AND starts_at = %(starts_at)s
RETURNING ends_at;

-- name: alerts_of_incident
-- The number of firing alerts of an incident, up to `most`, and when the last of the others ended.
SELECT (SELECT count(*) FROM (
            SELECT FROM alerts a WHERE a.incident_id = %(incident_id)s AND a.ends_at IS NULL LIMIT %(most)s
        ) firing) AS firing,
       (SELECT max(a.ends_at) FROM alerts a WHERE a.incident_id = %(incident_id)s) AS last_end;

-- name: alert_item
-- The item of the first known identification key, and the team that owns it.
SELECT c.id, c.owner_team_id AS team_id
FROM unnest(%(sources)s::text[], %(keys)s::text[]) WITH ORDINALITY AS g (source, key, n)
JOIN configuration_item_keys k ON (k.source, k.key) = (g.source, g.key)
JOIN configuration_items c ON c.id = k.configuration_item_id
ORDER BY g.n LIMIT 1;
