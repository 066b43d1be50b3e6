-- Only the server that took the lease returns it: by then it may have expired, and belong to another server.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
