-- Make the cached values valid for a while, after invalidating what was written according to the database.
-- KEYS: the validity, the snapshot, the generation of each written table.
-- ARGV: the snapshot's text as read ('' for none), its new text, the epoch, the end of the validity in ms of this
--       server's clock, ms that the snapshot is stored, then a new generation for each table.
-- Returns 1; 0 if another process changed the snapshot meanwhile, perhaps with less knowledge: then look again.
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
for i = 3, #KEYS do
    redis.call('SET', KEYS[i], ARGV[3 + i])
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5])
local time = redis.call('TIME')
local left = tonumber(ARGV[4]) - (time[1] * 1000 + math.floor(time[2] / 1000))
-- If asking took longer than the validity lasts, later writes are unknown.
if left > 0 then redis.call('SET', KEYS[1], ARGV[3], 'PX', left) end
return 1
