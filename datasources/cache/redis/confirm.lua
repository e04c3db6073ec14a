-- Trust the values for a while, having made misses of what the database says was written.
-- KEYS: the trust, the moment, a generation for each table that was written to.
-- ARGV: the moment's text as it was found ('' for none), its new text, the epoch, the end of the trust in ms of this
--       server's clock, ms that the moment lives, then a new generation for each table.
-- Answers 1; 0 where somebody else told the moment meanwhile, who may not know what we know: then look again.
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
for i = 3, #KEYS do
    redis.call('SET', KEYS[i], ARGV[3 + i])
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5])
local time = redis.call('TIME')
local left = tonumber(ARGV[4]) - (time[1] * 1000 + math.floor(time[2] / 1000))
-- Asking took longer than trust lasts: what was written meanwhile is not known.
if left > 0 then redis.call('SET', KEYS[1], ARGV[3], 'PX', left) end
return 1
