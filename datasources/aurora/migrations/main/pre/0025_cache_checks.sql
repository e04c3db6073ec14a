-- Whether a hit of the semantic cache that was compared with a new answer agrees with it.

-- AGREES or DIFFERS; empty for look-ups that were not compared, and for calls.
ALTER TABLE ai_calls ADD COLUMN cache_check text NOT NULL DEFAULT '';
