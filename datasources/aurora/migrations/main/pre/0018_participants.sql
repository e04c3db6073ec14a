-- Who acted on a run, as KIND:subject: who approved, rejected, completed, failed or cancelled something of it. A run that
-- it leads to is caused by them too. Of acts before this migration the decisions are known.
ALTER TABLE workflow_runs ADD COLUMN participants text[] NOT NULL DEFAULT '{}';
-- What is known of old runs is no news: a trigger that is published since would start runs for it.
ALTER TABLE workflow_runs DISABLE TRIGGER workflow_runs_updated;
UPDATE workflow_runs r SET participants = decided.principals
FROM (SELECT x.run_id, array_agg(DISTINCT a.principal) AS principals
      FROM workflow_approvals a JOIN workflow_step_runs x ON x.id = a.step_run_id
      WHERE a.principal <> '' GROUP BY x.run_id) decided
WHERE r.id = decided.run_id;
ALTER TABLE workflow_runs ENABLE TRIGGER workflow_runs_updated;
