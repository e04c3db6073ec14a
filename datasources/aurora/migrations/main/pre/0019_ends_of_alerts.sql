-- Which alerts of an incident fire, and when the last of the others ended, without a look at all of them.
CREATE INDEX alerts_by_end ON alerts (incident_id, ends_at) WHERE incident_id IS NOT NULL;
