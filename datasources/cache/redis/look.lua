-- Where the trust stands. KEYS: the trust, the moment.
-- Answers the time in ms, the moment's text ('' for none), and 1 if values are trusted.
local time = redis.call('TIME')
return {
    time[1] * 1000 + math.floor(time[2] / 1000),
    redis.call('GET', KEYS[2]) or '',
    redis.call('EXISTS', KEYS[1]),
}
