-- Moves the newest version (KEYS[1]), only forwards, and notifies servers. ARGV: the version, ms to keep it, the channel.
-- Returns the version that was replaced, if any. Publishing the same version again only renews its lifetime. What is no
-- version is older than every version.
local before = redis.pcall('GET', KEYS[1])
if type(before) ~= 'string' then before = false end
local from, to = tonumber(before or 0) or 0, tonumber(ARGV[1])
if from > to then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if from == to then return false end
redis.call('PUBLISH', ARGV[3], ARGV[1])
return string.match(before or '', '^%d+$') or false
