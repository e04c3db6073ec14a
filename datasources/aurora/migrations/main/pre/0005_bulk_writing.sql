-- What a call that was done in part was refused, so that the same call repeated gives the same answer.
ALTER TABLE idempotent_answers ADD COLUMN user_errors jsonb NOT NULL DEFAULT '[]';
