-- Purpose: an amount in cents, as a double: null where it can't be read as cents (null, NaN, an infinity, too large). Rounded as
-- domain/money.py does; an amount that was written with two places needs no way through its text.
-- Placeholders: amount. Parameters: unreadable_from (double, whole units; NaN sorts above every number).
case
    when not abs({amount}::float8) < %(unreadable_from)s then null
    when round({amount}::float8 * 100) / 100 = {amount}::float8 then round({amount}::float8 * 100)
    else (round({amount}::text::numeric, 2) * 100)::float8
end
