-- Return the state of the validity. KEYS: the validity, the snapshot.
-- Returns the time in ms, the snapshot's text ('' for none), and 1 if values are valid.
local time = redis.call('TIME')
return {
    time[1] * 1000 + math.floor(time[2] / 1000),
    redis.call('GET', KEYS[2]) or '',
    redis.call('EXISTS', KEYS[1]),
}
