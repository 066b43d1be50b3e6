-- The lockout policy (lockout.rs in the domain), as one atomic step in Redis and on Redis's clock.
-- A property test demands that the two decide alike.
--
-- KEYS[1]  the state of the address for strangers
-- KEYS[2]  the states of the account's devices, by device
-- ARGV     operation (begin, settle, lock, adopt, unlock), attempt id, outcome (success, earlier_success, failure,
--          not_checked), free failures, window, quiet, attempt lifetime, steps 1 to 4 (ms), now (ms; empty: Redis's
--          clock), device (empty: a stranger); with an earlier success: how long ago it was (ms); to adopt a lock: its
--          attempts, level, first_failed_at, locked_at, unlock_at
-- Returns  { status, attempts, level, first_failed_at, locked_at, unlock_at, how many states could not be read }

local operation, id, outcome = ARGV[1], ARGV[2], ARGV[3]
local free, window, quiet, lifetime = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local now = tonumber(ARGV[12])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local allowed_at_first = math.max(free, 1)

local device = ARGV[13]
local unreadable = 0

-- Reads a key. One of another type, which another program has written, is as good as none.
local function fetch(command, key, ...)
    local kept = redis.pcall(command, key, ...)
    if type(kept) == 'table' and kept.err then
        unreadable = unreadable + 1
        redis.call('DEL', key)
        return nil
    end
    return kept
end

local kept
if device == '' then
    kept = fetch('GET', KEYS[1])
else
    kept = fetch('HGET', KEYS[2], device)
end

-- The state that is kept, if it can be read. What another program has written is as good as nothing.
local function read(kept)
    local understood, state
    if string.byte(kept) == 123 then
        -- A brace: JSON, which earlier servers wrote.
        understood, state = pcall(cjson.decode, kept)
    else
        understood, state = pcall(cmsgpack.unpack, kept)
    end
    if not understood or type(state) ~= 'table' or type(state.flying) ~= 'table' then return nil end
    for _, name in ipairs({ 'attempts', 'counted', 'level' }) do
        if type(state[name]) ~= 'number' then return nil end
    end
    for _, name in ipairs({ 'counting_since', 'first_failed_at', 'last_failed_at', 'locked_at', 'unlock_at' }) do
        if state[name] and type(state[name]) ~= 'number' then return nil end
    end
    for _, attempt in ipairs(state.flying) do
        if type(attempt) ~= 'table' or type(attempt[2]) ~= 'number' then return nil end
    end
    return state
end

local state = kept and read(kept)
if not state then
    if kept then unreadable = unreadable + 1 end
    state = { attempts = 0, counted = 0, level = 0, flying = {} }
end

local function forget()
    state = { attempts = 0, counted = 0, level = 0, flying = state.flying }
end

local function forget_if_quiet(at)
    if state.last_failed_at and state.last_failed_at + quiet <= at then forget() end
end

local function fail(at)
    if not state.counting_since or state.counting_since + window <= at then
        state.counting_since = at
        state.counted = 0
    end
    state.attempts = state.attempts + 1
    state.counted = state.counted + 1
    state.first_failed_at = state.first_failed_at or at
    state.last_failed_at = at
    if state.level > 0 or state.counted >= allowed_at_first then
        -- Every further lock takes as long as the fourth.
        local step = tonumber(ARGV[8 + math.min(state.level, 3)])
        state.level = state.level + 1
        state.locked_at = at
        state.unlock_at = at + step
    end
end

while state.flying[1] and state.flying[1][2] + lifetime <= now do
    local ended = state.flying[1][2] + lifetime
    forget_if_quiet(ended)
    table.remove(state.flying, 1)
    fail(ended)
end
forget_if_quiet(now)

local status = 'open'
if operation == 'begin' then
    local allowed, used = allowed_at_first, state.counted
    if state.level > 0 then allowed, used = 1, 0 end
    if state.unlock_at and now < state.unlock_at then
        status = 'locked'
    elseif used + #state.flying >= allowed then
        status = 'busy'
    else
        status = 'allowed'
        state.flying[#state.flying + 1] = { id, now }
    end
elseif operation == 'settle' then
    local known = false
    for position, attempt in ipairs(state.flying) do
        if attempt[1] == id then
            table.remove(state.flying, position)
            known = true
            break
        end
    end
    if outcome == 'success' then
        forget()
    elseif outcome == 'earlier_success' then
        -- The attempt itself may have been given up since, and be the first of the failures.
        local own_failure = lifetime
        if known then own_failure = 0 end
        if not state.first_failed_at or state.first_failed_at <= now - tonumber(ARGV[14]) + own_failure then
            forget()
        end
    elseif outcome == 'failure' and known then
        fail(now)
    end
elseif operation == 'adopt' then
    local locked_at, unlock_at = tonumber(ARGV[17]), tonumber(ARGV[18])
    if unlock_at > math.max(state.unlock_at or now, now) and locked_at + quiet > now then
        local first = math.min(state.first_failed_at or tonumber(ARGV[16]), tonumber(ARGV[16]))
        state.first_failed_at = first
        state.last_failed_at = math.max(state.last_failed_at or locked_at, locked_at)
        state.counting_since = state.counting_since or first
        state.attempts = math.max(state.attempts, tonumber(ARGV[14]))
        state.level = math.max(state.level, tonumber(ARGV[15]))
        state.locked_at, state.unlock_at = locked_at, unlock_at
    end
elseif operation == 'unlock' then
    forget()
    redis.call('DEL', KEYS[2])
end

local clear = state.attempts == 0 and #state.flying == 0
if device ~= '' then
    if clear then
        redis.call('HDEL', KEYS[2], device)
    else
        redis.call('HSET', KEYS[2], device, cmsgpack.pack(state))
        redis.call('PEXPIRE', KEYS[2], quiet + lifetime)
    end
elseif clear then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], cmsgpack.pack(state), 'PX', quiet + lifetime)
end

local function locked(state)
    return state.unlock_at and now < state.unlock_at
end

if operation == 'lock' and device == '' and not locked(state) then
    for _, other in ipairs(fetch('HVALS', KEYS[2]) or {}) do
        other = read(other)
        if not other then
            unreadable = unreadable + 1
        elseif locked(other) then
            state = other
            break
        end
    end
end
if locked(state) then
    if status == 'open' then status = 'locked' end
    return { status, state.attempts, state.level, state.first_failed_at, state.locked_at, state.unlock_at,
        unreadable }
end
return { status, 0, 0, 0, 0, 0, unreadable }
