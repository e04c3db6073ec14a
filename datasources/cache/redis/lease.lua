-- Become the one loader of each key that is not filled or being loaded under the current generations.
-- KEYS: the snapshot, the generation of each table, then for each cache key its lease and its value.
-- ARGV: number of tables, generation for a table without one, secret, lease in ms, format version, epoch that the
--       reader saw, then the tables, then the generations that the reader saw.
-- Returns the view and the numbers (from 1) of the granted keys; an empty view if a table changed since the read.
local tables = tonumber(ARGV[1])
local epoch = string.match(redis.call('GET', KEYS[1]) or '', '^%S+')
-- Without a snapshot nothing is stored; in another epoch all values that the reader saw are invalid.
if not epoch or epoch ~= ARGV[6] then return {''} end
local parts = {epoch}
for i = 1, tables do
    local seen = ARGV[6 + tables + i]
    local now = redis.call('GET', KEYS[1 + i])
    if not now then
        if seen ~= '' then return {''} end
        now = ARGV[2]
        redis.call('SET', KEYS[1 + i], now)
    elseif now ~= seen and (seen ~= '' or string.sub(now, 1, 1) == 'i') then
        -- If the reader saw none and another lease set one, nothing was written. Any other difference is a write.
        return {''}
    end
    parts[1 + i] = ARGV[6 + i] .. '=' .. now
end
local view = redis.sha1hex(table.concat(parts, ','))
local head = ARGV[5] .. view
local answer = {view}
for i = tables + 2, #KEYS, 2 do
    -- Filled after the reader's miss: not granted, so that it is read and not loaded again.
    if redis.call('GETRANGE', KEYS[i + 1], 0, #head - 1) ~= head then
        local held = redis.call('GET', KEYS[i])
        -- A loader under older generations can't fill any more, so its lease does not count.
        if not held or string.sub(held, 1, #view) ~= view then
            redis.call('SET', KEYS[i], view .. ARGV[3], 'PX', ARGV[4])
            answer[#answer + 1] = (i - tables) / 2
        end
    end
end
return answer
