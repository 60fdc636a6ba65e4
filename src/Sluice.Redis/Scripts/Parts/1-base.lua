-- The library of a store's functions. What is here belongs to one call, and is set when that begins; everything else stays from call to call.
local call, META, K, ARGV, nextArgument, generation, stored, now, touched, pushed, streams, logs, held
local function arg() nextArgument = nextArgument + 1 return ARGV[nextArgument] end
local function num() return tonumber(arg()) end
local function digits(n) return string.format('%.0f', n) end    -- `..` would round above 1e14
local function fail(code, text) error({ err = 'SLUICE ' .. code .. ' ' .. (text or '') }) end

-- A run of the server that was not cleaned is written to by nobody. A run has one id, and what is kept here ends with it.
local thisRun
local function needClean(clean)
  if not clean then fail('UNCLEAN') end
  if clean == thisRun then return end
  if not string.find(redis.call('INFO', 'server'), 'run_id:' .. clean, 1, true) then fail('UNCLEAN') end
  thisRun = clean
end

-- Arguments: the store's clock where the caller is, in microseconds, and the store's id; then those of the function.
local function begin(keys, args)
  call, META, K, ARGV, nextArgument = redis.call, keys[1], string.sub(keys[1], 1, -5), args, 2       -- the key ends with "meta"
  touched, pushed, streams, logs, held = {}, {}, {}, {}, {}
  local meta = call('HMGET', META, 'id', 'generation', 'time', 'clean')
  if meta[1] ~= ARGV[2] then fail('GONE') end
  needClean(meta[4])
  generation, stored = tonumber(meta[2]), tonumber(meta[3]) or 0
  now = math.max(tonumber(ARGV[1]), stored)
end

-- Whoever stores a time calls this first: no later opening may see an earlier one.
local function stamp()
  if now > stored then
    call('HSET', META, 'time', now)
    stored = now
  end
  return now
end

local function changed(name) touched[name] = true end

-- Tells those who wait, with what they have come to wait for where that is short; and lets go of what only this call has needed.
local function answer(result)
  for name in pairs(touched) do call('PUBLISH', K .. 'changes', pushed[name] or name) end
  ARGV, touched, pushed, streams, logs, held = nil, nil, nil, nil, nil, nil
  return { digits(now), generation, result }
end
