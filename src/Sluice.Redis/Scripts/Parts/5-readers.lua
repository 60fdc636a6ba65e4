-- Readers: r:stream:reader has options and places, rx:stream when they expire. Producers that are forgotten: pf:stream.
local function useReader(h, name, expires)
  if expires ~= '' then call('ZADD', K .. 'rx:' .. h.name, stamp() + tonumber(expires), name) end
end

local function openReader(h, name, atNew, expires, gates)
  local key = K .. 'r:' .. h.name .. ':' .. name
  if not consumers(h).readers[name] then
    local items, bytes, fields = 0, 0, {}
    for p = 0, h.partitions - 1 do
      local l = log(h, p)
      local before = atNew == '1' and l.tail or l.trimmed
      items, bytes = items + l.tail - before, bytes + bytesOf(l, before + 1, l.tail)
      call('HSET', key, 'n' .. p, before + 1)
    end
    call('HSET', key, 'new', atNew, 'expires', expires, 'gates', gates)
    call('HSET', K .. 'b:' .. h.name, 'ri:' .. name, items, 'rb:' .. name, bytes, 'rg:' .. name, gates)
    h.readers[name] = { i = items, b = bytes, g = tonumber(gates) }
  end
  useReader(h, name, call('HGET', key, 'expires'))
end

local function showReader(h, name)
  local v = call('HMGET', K .. 'r:' .. h.name .. ':' .. name, 'new', 'expires', 'gates')
  local places = {}
  for p = 0, h.partitions - 1 do places[p + 1] = tonumber(call('HGET', K .. 'r:' .. h.name .. ':' .. name, 'n' .. p)) end
  return { name, v[1], v[2], v[3], consumers(h).readers[name].i, places }
end

local function closeReader(h, name)
  if not consumers(h).readers[name] then return end
  call('DEL', K .. 'r:' .. h.name .. ':' .. name)
  call('ZREM', K .. 'rx:' .. h.name, name)
  call('HDEL', K .. 'b:' .. h.name, 'ri:' .. name, 'rb:' .. name, 'rg:' .. name)
  h.readers[name] = nil
  for p = 0, h.partitions - 1 do trim(h, p) end
  changed(h.name)
end

-- A cursor behind the end is from before the store lost something.
local function checkMove(h, p, to)
  local l = log(h, p)
  if to > l.tail + 1 then fail('BACKCURSOR', digits(l.tail) .. ' ' .. digits(to) .. ' ' .. p .. ' ' .. h.name) end
end

local function moveReader(h, name, p, to)
  if not consumers(h).readers[name] then return 0 end
  local key = K .. 'r:' .. h.name .. ':' .. name
  local v = call('HMGET', key, 'n' .. p, 'expires')
  useReader(h, name, v[2])
  local from = tonumber(v[1])
  if to <= from then return 1 end
  count(h, 'r', name, from - to, -bytesOf(log(h, p), from, to - 1))
  call('HSET', key, 'n' .. p, to)
  trim(h, p)
  changed(h.name)
  return 1
end

-- Closes readers that nobody uses any more, and forgets producers whose time is over.
local function sweep(h)
  for _, name in ipairs(call('ZRANGEBYSCORE', K .. 'rx:' .. h.name, '-inf', now)) do closeReader(h, name) end
  for _, name in ipairs(call('ZRANGEBYSCORE', K .. 'pf:' .. h.name, '-inf', now)) do
    call('ZREM', K .. 'pf:' .. h.name, name)
    call('HDEL', K .. 'p:' .. h.name, name)
  end
end

-- How long until a reader may expire, in microseconds; -1 if none may.
local function nextExpiry(h)
  local first = call('ZRANGE', K .. 'rx:' .. h.name, 0, 0, 'WITHSCORES')
  return first[2] and math.max(0, tonumber(first[2]) - now) or -1
end

local function endStream(h, text)
  if h.ended then return h.ended end
  h.ended = text
  call('HSET', h.key, 'end', text)
  changed(h.name)
  return text
end
