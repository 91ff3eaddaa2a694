-- Empty the landing table for the next batch. No parameters, no rows.
truncate incoming_access_event
