-- Purpose: let triggers that were deferred to the end of the transaction fire now, so that what they change is read back.
-- Parameters: none. Rows: none.
set constraints all immediate
