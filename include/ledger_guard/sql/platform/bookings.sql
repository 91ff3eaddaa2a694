-- Purpose: the policy's bookings as rows, for ledger_movements.sql. Parameters: booking_* (arrays of one length).
-- Rows: one a booking and status.
select *
from unnest(
    %(booking_types)s::text[], %(booking_statuses)s::text[], %(booking_moves)s::text[], %(booking_available)s::float8[],
    %(booking_held)s::float8[], %(booking_by_direction)s::boolean[], %(booking_references)s::text[], %(booking_steps)s::text[]
) as b (type, status, moves, available, held, by_direction, reference, step)
