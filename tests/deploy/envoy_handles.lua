-- Stand-ins for the handles that Envoy gives to a Lua filter, over a request to this nginx that describes request and answer.
local fields = require "ledger_guard_fields"

local function headers_of(found)
    return {
        get = function(_, name) return found[name] end,
        remove = function(_, name) found[name] = nil end,
    }
end

local function body_of(content)
    if not content or content == "" then
        return nil
    end
    return {
        length = function() return #content end,
        getBytes = function(_, from, count) return content:sub(from + 1, from + count) end,
    }
end

local function handle(headers, content, metadata, breaks)
    return {
        headers = function() return headers_of(headers) end,
        body = function() return breaks and error("broken") or body_of(content) end,
        logErr = function(_, text) metadata.logged_error = text end,
        streamInfo = function()
            return {dynamicMetadata = function()
                return {
                    set = function(_, space, name, text) metadata[space] = metadata[space] or {}; metadata[space][name] = text end,
                    get = function(_, space) return metadata[space] end,
                }
            end}
        end,
    }
end

return function()
    ngx.req.read_body()
    local given = ngx.req.get_headers()
    local content, asked = ngx.req.get_body_data() or "", tonumber(given["x-asked-bytes"])
    local metadata = {}
    local request = {[":method"] = given["x-method"], [":path"] = given["x-path"], authorization = given["x-authorization"],
        ["accept-encoding"] = "gzip"}
    envoy_on_request(handle(request, content:sub(1, asked), metadata, given["x-breaks"]))
    local answer = {[":status"] = given["x-status"], ["content-encoding"] = given["x-encoding"]}
    envoy_on_response(handle(answer, content:sub(asked + 1), metadata, given["x-breaks"]))
    local found = metadata.ledger_guard or {}
    found.logged_error, found.accepts = metadata.logged_error, request["accept-encoding"]
    ngx.print(fields.line({"is_logged", "tenant_id", "subject_id", "amount", "error_code", "path", "logged_error", "accepts"}, found))
end
