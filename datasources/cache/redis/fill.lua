-- Store each value whose lease is still ours and whose tables have not changed since; end the leases.
-- KEYS: the snapshot, the generation of each table, then for each cache key its lease and its value.
-- ARGV: number of tables, format version, the tables, then for each key: token, value, ms to live.
-- A key of 0 ms was not loaded: only its lease ends. Returns the number of stored values.
-- No validity is needed: a write changes a generation before any reader trusts the value.
local tables = tonumber(ARGV[1])
local parts = {string.match(redis.call('GET', KEYS[1]) or '', '^%S+') or ''}
for i = 1, tables do
    parts[1 + i] = ARGV[2 + i] .. '=' .. (redis.call('GET', KEYS[1 + i]) or '')
end
local view = redis.sha1hex(table.concat(parts, ','))
local stored = 0
local at = 3 + tables
for i = tables + 2, #KEYS, 2 do
    if redis.call('GET', KEYS[i]) == ARGV[at] then
        redis.call('DEL', KEYS[i])
        if ARGV[at + 2] ~= '0' and string.sub(ARGV[at], 1, #view) == view then
            redis.call('SET', KEYS[i + 1], ARGV[2] .. view .. ARGV[at + 1], 'PX', ARGV[at + 2])
            stored = stored + 1
        end
    end
    at = at + 3
end
return stored
