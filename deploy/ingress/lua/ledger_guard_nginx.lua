-- nginx and OpenResty: the line that `ledger_guard.conf` logs of a request. It changes nothing of the answer.

local fields = require "ledger_guard_fields"

local log = {}
local NAMES = {"time", "tenant_id", "subject_id", "method", "path", "status", "error_code", "amount", "request_id", "remote_addr"}

-- access phase: the platform is to answer uncompressed, or its error codes can't be read
function log.access()
    if ngx.var.ledger_guard_kind ~= "" then
        ngx.req.clear_header("Accept-Encoding")
    end
end

-- body filter phase: keep the first bytes of an error's body
function log.body()
    if ngx.status < 400 or ngx.var.ledger_guard_kind == "" then
        return
    end
    local kept = ngx.ctx.ledger_guard or {bytes = 0, chunks = {}, is_whole = false}
    ngx.ctx.ledger_guard = kept
    local chunk = ngx.arg[1] or ""
    local room = fields.MOST_ERROR_BYTES - kept.bytes
    if #chunk > room then
        chunk, kept.is_cut = chunk:sub(1, room), true
    end
    if #chunk > 0 then
        kept.chunks[#kept.chunks + 1] = chunk
        kept.bytes = kept.bytes + #chunk
    end
    kept.is_whole = ngx.arg[2] and not kept.is_cut
end

-- The body that nginx holds in memory; of one that it put into a file, which it has removed by now, nothing is known.
local function request_body()
    local body = ngx.req.get_body_data()
    return body and #body <= fields.MOST_BODY_BYTES and body or nil
end

local function error_code()
    local kept = ngx.ctx.ledger_guard
    if ngx.status < 400 then
        return ""
    elseif not kept or ngx.req.is_internal() then
        -- an error_page put other words in the place of the platform's
        return nil
    end
    local encoding = ngx.header["Content-Encoding"]
    local is_compressed = encoding ~= nil and encoding ~= "" and encoding ~= "identity"
    return fields.error_code(table.concat(kept.chunks), kept.is_whole, is_compressed)
end

local function path()
    if not ngx.req.is_internal() then
        return ngx.var.uri
    end
    -- an error_page: what the client asked for, not where it was sent
    return ngx.unescape_uri((ngx.var.request_uri:gsub("[?#].*$", "")))
end

local function filled(kind)
    local found
    if kind == "webhook" then
        found = fields.of_webhook(request_body(), ngx.var.ledger_guard_tenant_field)
    else
        found = fields.of_player(ngx.var.http_authorization, request_body(), ngx.var.ledger_guard_tenant_claim,
            ngx.var.ledger_guard_subject_claim)
    end
    found.tenant_id, found.subject_id, found.amount = found.tenant_id or "", found.subject_id or "", found.amount or ""
    found.time, found.method, found.path, found.status = ngx.var.msec, ngx.var.request:match("^%S+"), path(), ngx.status
    found.error_code, found.request_id, found.remote_addr = error_code(), ngx.var.request_id, ngx.var.remote_addr
    return fields.line(NAMES, found)
end

-- A player's request is logged when the platform answered it and did not refuse the token: until then anyone may claim any tenant.
local function is_logged(kind)
    return kind == "webhook" or (kind == "player" and ngx.var.upstream_status and ngx.status ~= 401 and ngx.status ~= 403)
end

-- log phase, before the log is written
function log.log()
    local kind = ngx.var.ledger_guard_kind
    if not is_logged(kind) then
        ngx.var.ledger_guard_is_logged = ""
        return
    end
    -- where this fails, the line of ledger_guard_server.conf stays: it can't be read, and the guard says so
    local is_filled, line = pcall(filled, kind)
    if is_filled then
        ngx.var.ledger_guard_line = line
    else
        ngx.log(ngx.ERR, "ledger guard: no line for its log: ", line)
    end
    ngx.var.ledger_guard_is_logged = "1"
end

return log
