-- The library of a store's functions. What is here belongs to one call, and is set when that begins; everything else stays from call to call.
local META, K, ARGV, nextArgument, generation, stored, now, touched, pushed, streams, logs, held, flush
local lastKey, lastStream, lastPartition          -- what an error is about
local function call(command, key, ...)
  lastKey = key
  return redis.call(command, key, ...)
end
local function arg() nextArgument = nextArgument + 1 return ARGV[nextArgument] end
local function num() return tonumber(arg()) end
local function digits(n) return string.format('%.0f', n) end    -- `..` would round above 1e14
local function fail(code, text) error({ err = 'SLUICE ' .. code .. ' ' .. (text or '') }) end

-- Something stored is missing, or has a form that nobody here writes. Names the key, the field, the stream and the partition; a hyphen stands for none.
local function broken(key, field, name, p, reason)
  local function word(text) return text and text ~= '' and string.gsub(tostring(text), '%s', '_') or '-' end
  fail('BROKEN', word(key) .. ' ' .. word(field) .. ' ' .. word(name or lastStream) .. ' ' .. word(p or lastPartition) .. ' ' .. (reason or ''))
end

-- A stored number: a whole one that Lua keeps exactly, and not below the least.
local LARGEST = 9007199254740992
local function number(text, least, key, field, name, p)
  local n = text and string.find(text, '^-?%d+$') and tonumber(text)
  if not n or n > LARGEST or n < least then broken(key, field, name, p) end
  return n
end

-- Sends long lists of arguments in pieces; the size of a piece is divisible by two.
local function many(command, key, list)
  for i = 1, #list, 500 do call(command, key, unpack(list, i, math.min(i + 499, #list))) end
end

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
  META, K, ARGV, nextArgument = keys[1], string.sub(keys[1], 1, -5), args, 2       -- the key ends with "meta"
  touched, pushed, streams, logs, held = {}, {}, {}, {}, {}
  lastStream, lastPartition = nil, nil
  local meta = call('HMGET', META, 'id', 'generation', 'time', 'clean')
  if meta[1] ~= ARGV[2] then fail('GONE') end
  needClean(meta[4])
  generation, stored = number(meta[2], 1, META, 'generation'), meta[3] and number(meta[3], 0, META, 'time') or 0
  now = math.max(tonumber(ARGV[1]), stored)
end

-- Whoever stores a time calls this first: no later opening may see an earlier one.
local function stamp()
  if now > stored then
    call('HSET', META, 'time', digits(now))
    stored = now
  end
  return now
end

local function changed(name) touched[name] = true end

-- Writes what was only counted so far, tells those who wait, with what they have come to wait for where that is short, and lets go of what only this call has needed.
local function answer(result)
  flush()
  for name in pairs(touched) do call('PUBLISH', K .. 'changes', pushed[name] or name) end
  ARGV, touched, pushed, streams, logs, held = nil, nil, nil, nil, nil, nil
  return { digits(now), generation, result }
end
