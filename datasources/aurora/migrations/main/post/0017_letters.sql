-- What only the code before 0016 used.
DROP FUNCTION similar_rows(text, text[], boolean, text[], integer);
DROP INDEX teams_trigram;
DROP INDEX users_trigram;
DROP INDEX configuration_items_trigram;
DROP INDEX changes_trigram;
DROP INDEX incidents_trigram;
DROP INDEX documents_trigram;
DROP INDEX workflows_trigram;
