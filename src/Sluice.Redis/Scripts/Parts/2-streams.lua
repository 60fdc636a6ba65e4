-- A stream: h:stream has its options and what is reserved, b:stream what each consumer has before it.

local function find(name)
  if streams[name] ~= nil then return streams[name] or nil end
  local v = call('HMGET', K .. 'h:' .. name, 'partitions', 'items', 'bytes', 'entry', 'keepAll', 'made', 'end', 'reservedItems', 'reservedBytes',
    'storedItems', 'storedBytes', 'appended')
  if not v[1] then
    streams[name] = false
    return nil
  end
  local h = {
    name = name, key = K .. 'h:' .. name, partitions = tonumber(v[1]), items = tonumber(v[2]), bytes = tonumber(v[3]),
    entry = tonumber(v[4]), keepAll = v[5] == '1', made = v[6], ended = v[7], reservedItems = tonumber(v[8]) or 0, reservedBytes = tonumber(v[9]) or 0,
    storedItems = tonumber(v[10]) or 0, storedBytes = tonumber(v[11]) or 0, appended = tonumber(v[12]) or 0,
  }
  streams[name] = h
  return h
end

local function stream(name) return find(name) or fail('NOSTREAM', name) end

-- Consumers by name, without caring which kind comes first.
local function consumers(h)
  if h.groups then return h end
  h.groups, h.readers = {}, {}
  local flat = call('HGETALL', K .. 'b:' .. h.name)
  for i = 1, #flat, 2 do
    local kind, field, name = string.match(flat[i], '^(.)(.):(.*)$')
    local all = kind == 'g' and h.groups or h.readers
    all[name] = all[name] or {}
    all[name][field] = tonumber(flat[i + 1])
  end
  return h
end

local function count(h, kind, name, items, bytes)
  consumers(h)
  local one = (kind == 'g' and h.groups or h.readers)[name]
  if not one then return end
  one.i, one.b = one.i + items, one.b + bytes
  call('HSET', K .. 'b:' .. h.name, kind .. 'i:' .. name, one.i, kind .. 'b:' .. name, one.b)
end

-- What the stream holds, and how much was ever put into it.
local function addStored(h, items, bytes)
  h.storedItems, h.storedBytes, h.appended = h.storedItems + items, h.storedBytes + bytes, h.appended + math.max(0, items)
  call('HSET', h.key, 'storedItems', h.storedItems, 'storedBytes', h.storedBytes, 'appended', h.appended)
end

local function reserve(h, items, bytes)
  h.reservedItems, h.reservedBytes = h.reservedItems + items, h.reservedBytes + bytes
  call('HSET', h.key, 'reservedItems', h.reservedItems, 'reservedBytes', h.reservedBytes)
end

-- Whether a consumer that gates has no room for so much more; an empty one always has.
local function isFull(h, items, bytes)
  consumers(h)
  local function exceeds(i, b)
    local present = i + h.reservedItems
    return present > 0 and (present + items > h.items or b + h.reservedBytes + bytes > h.bytes)
  end
  local any = false
  for _, group in pairs(h.groups) do
    any = true
    if exceeds(group.i, group.b) then return true end
  end
  for _, reader in pairs(h.readers) do
    any = true
    if reader.g == 1 and exceeds(reader.i, reader.b) then return true end
  end
  if any or h.keepAll then return false end
  return exceeds(h.storedItems, h.storedBytes)
end
