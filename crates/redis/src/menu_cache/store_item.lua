-- Stores an item's entry (KEYS[1]) unless a newer one is stored. ARGV: the menu version of the entry, the entry, ms to
-- keep it.
local kept = redis.pcall('GET', KEYS[1])
if type(kept) == 'string' and tonumber(string.match(kept, '^%d+') or 0) > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2], 'PX', ARGV[3])
return 1
