-- End the trust, also that of whoever asked the database before this and has not told yet.
-- KEYS: the trust, the moment. ARGV: a text that was never used.
redis.call('DEL', KEYS[1])
local moment = redis.call('GET', KEYS[2])
if moment then
    local head = string.match(moment, '^%S+ %S+')
    redis.call('SET', KEYS[2], head .. ' ' .. ARGV[1], 'KEEPTTL')
end
return 1
