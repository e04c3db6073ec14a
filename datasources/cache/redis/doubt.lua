-- End the validity, also for processes that asked the database before this and have not confirmed yet.
-- KEYS: the validity, the snapshot. ARGV: a text that was never used.
redis.call('DEL', KEYS[1])
local moment = redis.call('GET', KEYS[2])
if moment then
    local head = string.match(moment, '^%S+ %S+')
    redis.call('SET', KEYS[2], head .. ' ' .. ARGV[1], 'KEEPTTL')
end
return 1
