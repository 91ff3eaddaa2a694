-- What Ledger Guard's log needs of a request and its answer: tenant, player or webhook, amount, error code.
-- Plain Lua 5.1 without any library, so that nginx, OpenResty and Envoy run the same file.
-- Nothing here verifies a signature: the platform did, before it answered. Every reader takes a bounded number of bytes.

local fields = {}

-- longest bodies and tokens that are read, in bytes
fields.MOST_ERROR_BYTES = 4096
fields.MOST_BODY_BYTES = 16384
fields.MOST_TOKEN_BYTES = 8192
-- an error without a code, in the log: somebody looked, and there is none
fields.NO_CODE = "(none)"
local MOST_DEPTH = 16
local MOST_CHARACTERS = 200
local NULL = {}
-- keys that no JSON text gives: what a leaf holds
local TEXT, NUMBER = {}, {}

-- JSON ---------------------------------------------------------------------------------------------------------------

local ESCAPES = {b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/"}

local function utf8_of(code)
    if code < 0x80 then
        return string.char(code)
    elseif code < 0x800 then
        return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40)
    elseif code < 0x10000 then
        return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
    end
    return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
        0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

local function unescaped(raw)
    if not raw:find("\\", 1, true) then
        return raw
    end
    local parts, place = {}, 1
    while true do
        local found = raw:find("\\", place, true)
        parts[#parts + 1] = raw:sub(place, found and found - 1)
        if not found then
            return table.concat(parts)
        end
        local sign = raw:sub(found + 1, found + 1)
        place = found + 2
        if sign == "u" then
            local code = tonumber(raw:match("^%x%x%x%x", place) or error("no escape"), 16)
            place = place + 4
            local low = code >= 0xD800 and code < 0xDC00 and raw:match("^\\u([dD][c-fC-F]%x%x)", place)
            if low then
                code, place = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00, place + 6
            end
            parts[#parts + 1] = code >= 0xD800 and code < 0xE000 and "?" or utf8_of(code)
        else
            parts[#parts + 1] = ESCAPES[sign] or error("no escape")
        end
    end
end

-- position after the blanks at `at`
local function after_blanks(text, at)
    return text:find("[^ \t\r\n]", at) or #text + 1
end

local function read_text(text, at)
    local from = at + 1
    local place = from
    while true do
        local found = text:find('["\\]', place)
        if not found then
            error("cut")
        elseif text:byte(found) == 34 then
            return text:sub(from, found - 1), found + 1
        end
        place = found + 2
    end
end

local read_value

local function read_members(text, at, found, depth)
    at = after_blanks(text, at)
    if text:sub(at, at) == "}" then
        return at + 1
    end
    while true do
        at = after_blanks(text, at)
        if text:sub(at, at) ~= '"' then
            error("no key")
        end
        local key
        key, at = read_text(text, at)
        key = unescaped(key)
        at = after_blanks(text, at)
        if text:sub(at, at) ~= ":" then
            error("no colon")
        end
        at = read_value(text, at + 1, found, key, depth)
        at = after_blanks(text, at)
        local sign = text:sub(at, at)
        if sign == "}" then
            return at + 1
        elseif sign ~= "," then
            error("no comma")
        end
        at = at + 1
    end
end

local function read_items(text, at, found, depth)
    at = after_blanks(text, at)
    if text:sub(at, at) == "]" then
        return at + 1
    end
    local number = 1
    while true do
        at = after_blanks(text, read_value(text, at, found, number, depth))
        number = number + 1
        local sign = text:sub(at, at)
        if sign == "]" then
            return at + 1
        elseif sign ~= "," then
            error("no comma")
        end
        at = at + 1
    end
end

-- Put the value at `at` into `into[key]` and return the position after it. What is read stays, also when the text is cut later.
function read_value(text, at, into, key, depth)
    if depth > MOST_DEPTH then
        error("deep")
    end
    at = after_blanks(text, at)
    local sign = text:sub(at, at)
    if sign == "{" or sign == "[" then
        local found = {}
        into[key] = found
        return (sign == "{" and read_members or read_items)(text, at + 1, found, depth + 1)
    elseif sign == '"' then
        -- as it is written: most texts are never asked for
        local raw
        raw, at = read_text(text, at)
        into[key] = {[TEXT] = raw}
        return at
    end
    local word = text:match("^[%w%.%+%-]+", at) or error("no value")
    -- a number is kept as it is written: a sum of money must not become a binary fraction
    if word:find("^-?%d+%.?%d*[eE]?[%+%-]?%d*$") then
        into[key] = {[NUMBER] = word}
    elseif word == "true" or word == "false" or word == "null" or word == "NaN" or word == "Infinity" or word == "-Infinity" then
        into[key] = NULL
    else
        error("no word")
    end
    return at + #word
end

-- The object of a JSON text, and whether all of it was read. What was read before the text ends is in the object.
function fields.object(text)
    local root = {}
    if after_blanks(text, 1) > #text or text:sub(after_blanks(text, 1), after_blanks(text, 1)) ~= "{" then
        return nil, false
    end
    local is_read, at = pcall(read_value, text, 1, root, 1, 1)
    return root[1], is_read and after_blanks(text, at) > #text
end

local function plain(found)
    if type(found) == "table" and found[TEXT] then
        local is_read, text = pcall(unescaped, found[TEXT])
        found = is_read and text or nil
    elseif type(found) == "table" then
        found = found[NUMBER]
    end
    if type(found) == "string" and #found > 0 and #found <= MOST_CHARACTERS and not found:find("%c") then
        return found
    end
    return nil
end

-- The text or number of the first of these keys that has one.
local function first_of(object, keys)
    for _, key in ipairs(keys) do
        local found = type(object) == "table" and plain(object[key])
        if found then
            return found
        end
    end
    return nil
end

-- Tokens -------------------------------------------------------------------------------------------------------------

local DIGITS = {}
for place, sign in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):gmatch("()(.)") do
    DIGITS[sign] = place - 1
end

local function base64url(text)
    local found, bits, held = {}, 0, 0
    for sign in text:gsub("=+$", ""):gmatch(".") do
        local digit = DIGITS[sign]
        if not digit then
            return nil
        end
        held, bits = held * 64 + digit, bits + 6
        if bits >= 8 then
            bits = bits - 8
            local divisor = 2 ^ bits
            found[#found + 1] = string.char(math.floor(held / divisor))
            held = held % divisor
        end
    end
    return table.concat(found)
end

-- The claims of a bearer token, unverified; nil where there is none that can be read.
function fields.claims(authorization)
    if type(authorization) ~= "string" or #authorization > fields.MOST_TOKEN_BYTES then
        return nil
    end
    local payload = authorization:match("^[Bb][Ee][Aa][Rr][Ee][Rr] +[%w_%-]+%.([%w_%-]+)%.[%w_%-]*$")
    local text = payload and base64url(payload)
    local claims, is_whole = nil, false
    if text then
        claims, is_whole = fields.object(text)
    end
    return is_whole and claims or nil
end

-- Requests and answers -----------------------------------------------------------------------------------------------

-- Tenant, subject and amount of a player's request: from the token's claims; the amount from the body (nil: not read).
function fields.of_player(authorization, body, tenant_claim, subject_claim)
    local claims = fields.claims(authorization)
    local asked, is_whole = fields.object(body or "")
    return {
        tenant_id = first_of(claims, {tenant_claim}),
        subject_id = first_of(claims, {subject_claim}),
        amount = is_whole and first_of(asked, {"amount"}) or nil,
    }
end

-- The same of a payment provider's webhook: all from its body (nil: not read). A body that is cut names nobody.
function fields.of_webhook(body, tenant_key)
    local sent, is_whole = fields.object(body or "")
    if not is_whole then
        return {}
    end
    return {
        tenant_id = first_of(sent, {tenant_key}),
        subject_id = first_of(sent, {"provider_event_id", "event_id"}),
        amount = first_of(sent, {"amount"}),
    }
end

local function coded(found)
    found = plain(found)
    return found and found:find("^%u[%u%d_]+$") and found or nil
end

-- The error code of an answer's body, NO_CODE where it has none, nil where that can't be known: the body is compressed, or longer
-- than what was read and without a code in that part.
function fields.error_code(body, is_whole, is_compressed)
    if is_compressed or not body then
        return nil
    end
    local answer, is_read = fields.object(body)
    local found
    if type(answer) == "table" then
        local detail, problem = answer.detail, answer.error
        found = (type(detail) == "table" and first_of(detail, {"error_code", "code"})) or coded(detail)
            or first_of(answer, {"error_code"})
            or (type(problem) == "table" and first_of(problem, {"error_code", "code"})) or coded(problem)
            or first_of(answer, {"code"})
    end
    if found then
        return found
    end
    return (is_whole or is_read) and fields.NO_CODE or nil
end

-- Lines --------------------------------------------------------------------------------------------------------------

local function valid_utf8(text)
    local place = 1
    while place <= #text do
        local byte = text:byte(place)
        local length = byte < 0x80 and 1 or (byte >= 0xC2 and byte < 0xE0 and 2) or (byte >= 0xE0 and byte < 0xF0 and 3)
            or (byte >= 0xF0 and byte < 0xF5 and 4)
        if not length or not text:sub(place, place + length - 1):find("^." .. ("[\128-\191]"):rep(length - 1) .. "$") then
            return false
        end
        place = place + length
    end
    return true
end

local function quoted(text)
    if not valid_utf8(text) then
        text = text:gsub("[\128-\255]", "?")
    end
    return '"' .. text:gsub('[%c"\\\127]', function(sign) return ("\\u%04x"):format(sign:byte()) end) .. '"'
end

-- One JSON line of these names and texts, in this order; a name without a text is left out.
function fields.line(names, texts)
    local parts = {}
    for _, name in ipairs(names) do
        if texts[name] ~= nil then
            parts[#parts + 1] = quoted(name) .. ":" .. quoted(tostring(texts[name]))
        end
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

return fields
