-- Numbers of incidents and changes that are opened here, and who had a hand in the proposal of a change.

-- They begin high, so that the rows of an older system, which are imported by number, keep the low ones. Where a number
-- is taken all the same, the writer goes on to the next.
CREATE SEQUENCE incident_numbers START WITH 5000001;
CREATE SEQUENCE change_numbers START WITH 5000001;

-- Principals as kind and subject: none of them may approve it. Empty for imported changes.
ALTER TABLE changes ADD COLUMN proposed_by text[] NOT NULL DEFAULT '{}';
