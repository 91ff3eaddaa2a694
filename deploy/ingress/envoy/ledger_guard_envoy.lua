-- Envoy and Istio: what `envoy.yaml` logs of a request, put into the request's dynamic metadata. It changes nothing of the answer.
-- Not run on a real Envoy by Ledger Guard's tests: they run this file in LuaJIT on a stand-in for Envoy's handles.

package.path = "/etc/envoy/ledger_guard/?.lua;" .. package.path
local fields = require "ledger_guard_fields"

local SPACE = "ledger_guard"
local TENANT_CLAIM, SUBJECT_CLAIM, TENANT_FIELD = "tenant_id", "sub", "tenant_id"

local function kind_of(method, path)
    if method ~= "POST" then
        return nil
    elseif path == "/api/v1/player/wallet/withdraw" then
        return "player"
    end
    return path:find("/api/v1/payments/webhook/", 1, true) == 1 and "webhook" or nil
end

local function decoded(path)
    return (path:gsub("[?#].*$", ""):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- The first bytes of a body, and whether these are all.
local function first_bytes(handle, most)
    local body = handle:body()
    local length = body and body:length() or 0
    return length > 0 and body:getBytes(0, math.min(length, most)) or "", length <= most
end

local function keep(handle, found)
    local metadata = handle:streamInfo():dynamicMetadata()
    for name, text in pairs(found) do
        metadata:set(SPACE, name, text)
    end
end

local function look_at_request(handle, kind)
    local headers = handle:headers()
    -- compressed answers can't be read
    headers:remove("accept-encoding")
    local body, is_whole = first_bytes(handle, fields.MOST_BODY_BYTES)
    body = is_whole and body or nil
    if kind == "webhook" then
        return fields.of_webhook(body, TENANT_FIELD)
    end
    return fields.of_player(headers:get("authorization"), body, TENANT_CLAIM, SUBJECT_CLAIM)
end

function envoy_on_request(handle)
    local headers = handle:headers()
    local path = decoded(headers:get(":path") or "")
    local kind = kind_of(headers:get(":method"), path)
    if not kind then
        return
    end
    keep(handle, {kind = kind, path = path})
    local is_read, found = pcall(look_at_request, handle, kind)
    if not is_read then
        handle:logErr("ledger guard: a request can't be read: " .. tostring(found))
    else
        -- a name that is empty is nobody's; one that is missing could not be read, and the guard says so
        keep(handle, {tenant_id = found.tenant_id or "-", subject_id = found.subject_id, amount = found.amount})
    end
end

local function code_of(handle, status)
    if status < 400 then
        return "-"
    end
    local body, is_whole = first_bytes(handle, fields.MOST_ERROR_BYTES)
    local encoding = handle:headers():get("content-encoding")
    return fields.error_code(body, is_whole, encoding ~= nil and encoding ~= "identity")
end

function envoy_on_response(handle)
    local known = handle:streamInfo():dynamicMetadata():get(SPACE)
    if not known or not known.kind then
        return
    end
    local status = tonumber(handle:headers():get(":status")) or 0
    if known.kind == "player" and (status == 401 or status == 403) then
        -- the token was refused: anyone may claim any tenant
        return
    end
    keep(handle, {is_logged = "yes"})
    local is_read, code = pcall(code_of, handle, status)
    if not is_read then
        handle:logErr("ledger guard: an answer can't be read: " .. tostring(code))
    else
        keep(handle, {error_code = code})
    end
end
