-- The newest version: KEYS[1]. ARGV: a version, ms to keep it, the channel that tells of it. Only ever forwards; answers the version
-- that was replaced, if one was. The same version again is no news and lives on.
local before = redis.call('GET', KEYS[1])
local from, to = tonumber(before or 0), tonumber(ARGV[1])
if from > to then return false end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if from == to then return false end
redis.call('PUBLISH', ARGV[3], ARGV[1])
return before
