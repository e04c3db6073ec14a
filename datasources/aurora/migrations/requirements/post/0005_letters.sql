-- What only the code before 0004 used.
DROP FUNCTION similar_requirements(text, integer);
DROP INDEX requirements_trigram;
