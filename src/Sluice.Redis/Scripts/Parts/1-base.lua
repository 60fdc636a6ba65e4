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

-- Something stored is missing, or has a form that nobody here writes. Names the key, the field, the stream and the partition; an asterisk, which no name has, stands for none.
local function broken(key, field, name, p, reason)
  local function word(text) return text and text ~= '' and string.gsub(tostring(text), '%s', '_') or '*' end
  fail('BROKEN', word(key) .. ' ' .. word(field) .. ' ' .. word(name or lastStream) .. ' ' .. word(p or lastPartition) .. ' ' .. (reason or ''))
end

-- A stored number: a whole one that Lua keeps exactly, and not below the least.
local LARGEST = 9007199254740992
local function number(text, least, key, field, name, p)
  local n = text and string.find(text, '^-?%d+$') and tonumber(text)
  if not n or n > LARGEST or n < least then broken(key, field, name, p) end
  return n
end

-- The checksum of a text: 48 bits, which numbers of Lua keep exactly; a digest is a sum of checksums. Both find damage, not forgery.
local SUMS = 281474976710656
local function sumOf(text) return tonumber(string.sub(redis.sha1hex(text), 1, 12), 16) end

-- A text with its checksum behind it, and the text of such; nil if they do not match. The subject is what the text is about, so that no other can stand in its place.
local function seal(subject, text) return text .. ' ' .. digits(sumOf(subject .. ' ' .. text)) end
local function unseal(subject, sealed)
  local text, sum = string.match(sealed or '', '^(.*) (%d+)$')
  return text and tonumber(sum) == sumOf(subject .. ' ' .. text) and text or nil
end

-- Sends long lists of arguments in pieces; the size of a piece is divisible by two.
local function many(command, key, list)
  for i = 1, #list, 500 do call(command, key, unpack(list, i, math.min(i + 499, #list))) end
end

-- A run of the server that was not cleaned is written to by nobody. A run has one id, and what is kept here ends with it.
local thisRun, isClustered
local function needClean(clean)
  if not clean then fail('UNCLEAN') end
  if clean == thisRun then return end
  local server = redis.call('INFO', 'server')
  if not string.find(server, 'run_id:' .. clean, 1, true) then fail('UNCLEAN') end
  thisRun, isClustered = clean, string.find(redis.call('INFO', 'cluster'), 'cluster_enabled:1', 1, true)
end

-- Time is the server's, and no caller's. If the server's clock goes back, the store's goes on from where it was: `shift` is how far it is ahead since then. A clock that has reached the stored time is right again, and the shift would move the time ahead. So would one that was put forward, but not so far: of the time since the last stored one, a minute counts at most. Each call stores the time while there is a shift, unless that was done less than ten seconds ago.
local A_SECOND = 1000000

-- The server's clock, in microseconds. Tests that let time pass give a time of their own; everybody else gives zero.
local function clockOf(given)
  if given ~= '0' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * A_SECOND + tonumber(time[2])
end

-- Arguments: a test's time or zero, and the store's id; then those of the function.
local function begin(keys, args)
  META, K, ARGV, nextArgument = keys[1], string.sub(keys[1], 1, -5), args, 2       -- the key ends with "meta"
  touched, pushed, streams, logs, held = {}, {}, {}, {}, {}
  lastStream, lastPartition = nil, nil
  local meta = call('HMGET', META, 'id', 'generation', 'time', 'clean', 'shift')
  if meta[1] ~= ARGV[2] then fail('GONE') end
  needClean(meta[4])
  -- While the slot of a store is being moved to another server of a cluster, keys that are gone from here, or never were here, cannot be used. A function is to find out before it writes: no store has this key.
  if isClustered then redis.call('EXISTS', K .. 'none') end
  generation, stored = number(meta[2], 1, META, 'generation'), meta[3] and number(meta[3], 0, META, 'time') or 0
  local clock = clockOf(ARGV[1])
  now = clock
  if clock + A_SECOND < stored then
    now = clock + (tonumber(meta[5]) or 0)
    if now + A_SECOND < stored then
      now = stored
      call('HSET', META, 'shift', digits(now - clock))
    elseif now > stored + 60 * A_SECOND then
      now = stored + 60 * A_SECOND
      stored = now
      call('HSET', META, 'shift', digits(now - clock), 'time', digits(now))
    elseif now > stored + 10 * A_SECOND then
      stored = now
      call('HSET', META, 'time', digits(now))
    end
  elseif meta[5] then
    call('HDEL', META, 'shift')
  end
  now = math.max(now, stored)
end

-- Whoever stores a time calls this first: no later opening may see an earlier one.
local function stamp()
  if now > stored then
    call('HSET', META, 'time', digits(now))
    stored = now
  end
  return now
end

-- What those are told who wait: a stream has changed (changed), there may be entries in a partition (changedAt), or only more room (changedRoom).
local function changed(name) touched[name] = true end
local function changedRoom(name) touched[name] = touched[name] or {} end
local function changedAt(name, p)
  local parts = touched[name] or {}
  touched[name] = parts
  if parts ~= true then parts[p] = true end
end

local function message(name, parts)
  if parts == true then return name end
  local all = {}
  for p in pairs(parts) do all[#all + 1] = p end
  return name .. '\1' .. table.concat(all, ',')
end

-- Writes what was only counted so far, tells those who wait, with what they have come to wait for where that is short, and lets go of what only this call has needed.
local function answer(result)
  flush()
  for name, parts in pairs(touched) do
    local only = parts ~= true and next(parts)
    local text = only and not next(parts, only) and pushed[name] or message(name, parts)
    redis.pcall('PUBLISH', K .. 'changes', text)     -- all is written: without the right to publish, those who wait look by themselves
  end
  ARGV, touched, pushed, streams, logs, held = nil, nil, nil, nil, nil, nil
  return { digits(now), generation, result }
end
