-- A stream: h:stream has its options and what is reserved. Everything else of a stream is under its id, "stream#made": one that is made anew under the same name shares nothing with what it was. b: has what each
-- consumer has before it, "g:group" as "items bytes made new", "r:reader" as "items bytes gates new" (new: whether it began behind what was there), each with its checksum.
local MOST_PARTITIONS = 4096
local NUMBERS = { 'partitions', 'items', 'bytes', 'entry', 'made', 'reservedItems', 'reservedBytes', 'storedItems', 'storedBytes', 'appended', 'consumers', 'untrimmed' }

-- The marks of a partition that never had an entry.
local function newLog(p) return 'new ' .. p end

-- The checksum of what a stream's own key says.
local function sumOfStream(h)
  local list = { h.name, h.keepAll and '1' or '0', h.ended or '' }
  for _, field in ipairs(NUMBERS) do list[#list + 1] = digits(h[field]) end
  return digits(sumOf(table.concat(list, ' ')))
end

local function find(name)
  if streams[name] ~= nil then return streams[name] or nil end
  local key = K .. 'h:' .. name
  local v = call('HMGET', key, 'keepAll', 'end', 'sum', unpack(NUMBERS))
  if not v[1] and not v[4] and call('EXISTS', key) == 0 then
    if call('ZSCORE', K .. 'streams', name) then broken(key, nil, name) end
    streams[name] = false
    return nil
  end
  local h = { name = name, key = key, ended = v[2], logs = {} }
  for i, field in ipairs(NUMBERS) do
    local isLimit = (field == 'items' or field == 'bytes') and string.find(v[i + 3] or '', '^%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d+$')
    h[field] = isLimit and math.huge or number(v[i + 3], -LARGEST, key, field, name)
  end
  if h.partitions < 1 or h.partitions > MOST_PARTITIONS then broken(key, 'partitions', name) end
  if v[1] ~= '0' and v[1] ~= '1' then broken(key, 'keepAll', name) end
  if h.ended and not string.find(h.ended, '^[CF]') then broken(key, 'end', name) end
  h.keepAll, h.id = v[1] == '1', name .. '#' .. digits(h.made)
  if v[3] ~= sumOfStream(h) then broken(key, 'sum', name) end
  streams[name] = h
  return h
end

local function makeStream(name, partitions, items, bytes, entry, keepAll)
  local limit = function(text) return #text > 15 and math.huge or tonumber(text) end
  local h = { name = name, key = K .. 'h:' .. name, partitions = partitions, items = limit(items), bytes = limit(bytes), entry = tonumber(entry), keepAll = keepAll == '1', ended = false, made = call('HINCRBY', META, 'made', 1),
    reservedItems = 0, reservedBytes = 0, storedItems = 0, storedBytes = 0, appended = 0, consumers = 0, untrimmed = -1, logs = {} }
  h.id, streams[name] = name .. '#' .. digits(h.made), h
  call('HSET', h.key, 'partitions', partitions, 'items', items, 'bytes', bytes, 'entry', entry, 'keepAll', keepAll, 'made', h.made)
  h.dirty = true
  call('ZADD', K .. 'streams', 0, name)
  local marks = {}
  for p = 0, partitions - 1 do marks[2 * p + 1], marks[2 * p + 2] = p, newLog(p) end
  many('HSET', K .. 'l:' .. h.id, marks)
end

local function stream(name)
  lastStream = name
  return find(name) or fail('NOSTREAM', name)
end

-- Consumers by name, without caring which kind comes first.
local function consumers(h)
  if h.groups then return h end
  local key = K .. 'b:' .. h.id
  local flat = call('HGETALL', key)
  if #flat ~= 2 * h.consumers then broken(key, 'count', h.name) end
  h.groups, h.readers, h.counted = {}, {}, {}
  for i = 1, #flat, 2 do
    local kind, name = string.match(flat[i], '^([gr]):(.+)$')
    local items, bytes, rest, isNew = string.match(unseal(h.id .. ' ' .. flat[i], flat[i + 1]) or '', '^(%-?%d+) (%-?%d+) (%d+) ([01])$')
    if not name or not items then broken(key, flat[i], h.name) end
    local one = { kind = kind, name = name, i = tonumber(items), b = tonumber(bytes), rest = rest, isNew = isNew == '1' }
    if kind == 'g' then h.groups[name] = one else h.readers[name] = one end
  end
  return h
end

local function count(h, kind, name, items, bytes)
  consumers(h)
  local one = (kind == 'g' and h.groups or h.readers)[name]
  if not one then return end
  one.i, one.b = one.i + items, one.b + bytes
  h.counted[one] = true
end

local needRoom
do
  local MOST_CONSUMERS = 500

  -- Refuses so many new consumers, if the stream would have too many.
  function needRoom(h, more)
    if consumers(h).consumers + more > MOST_CONSUMERS then fail('TOOMANY', MOST_CONSUMERS .. ' ' .. h.name) end
  end
end

-- A new consumer; what is behind the counters is when a group was made, and whether a reader gates.
local function addConsumer(h, kind, name, items, bytes, rest, isNew)
  consumers(h)
  local one = { kind = kind, name = name, i = items, b = bytes, rest = rest, isNew = isNew == '1' }
  if kind == 'g' then h.groups[name] = one else h.readers[name] = one end
  h.counted[one], h.consumers, h.dirty = true, h.consumers + 1, true
end

local function flushStream(h)
  if h.dirty then
    local list = {}
    for _, field in ipairs({ 'reservedItems', 'reservedBytes', 'storedItems', 'storedBytes', 'appended', 'consumers', 'untrimmed' }) do
      list[#list + 1] = field
      list[#list + 1] = digits(h[field])
    end
    list[#list + 1], list[#list + 2] = 'sum', sumOfStream(h)
    call('HSET', h.key, unpack(list))
    h.dirty = false
  end
  if h.counted and next(h.counted) then
    local list = {}
    for one in pairs(h.counted) do
      local name = one.kind .. ':' .. one.name
      list[#list + 1] = name
      list[#list + 1] = seal(h.id .. ' ' .. name, digits(one.i) .. ' ' .. digits(one.b) .. ' ' .. one.rest .. (one.isNew and ' 1' or ' 0'))
    end
    many('HSET', K .. 'b:' .. h.id, list)
    h.counted = {}
  end
end

-- At once: if the call fails later, a consumer that is gone must not be counted.
local function removeConsumer(h, kind, name)
  consumers(h)
  local all = kind == 'g' and h.groups or h.readers
  h.counted[all[name]] = nil
  all[name] = nil
  call('HDEL', K .. 'b:' .. h.id, kind .. ':' .. name)
  h.consumers, h.dirty = h.consumers - 1, true
  flushStream(h)
end

-- What the stream holds, and how much was ever put into it.
local function addStored(h, items, bytes)
  h.storedItems, h.storedBytes, h.appended, h.dirty = h.storedItems + items, h.storedBytes + bytes, h.appended + math.max(0, items), true
end

local function reserve(h, items, bytes)
  h.reservedItems, h.reservedBytes, h.dirty = h.reservedItems + items, h.reservedBytes + bytes, true
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
    if reader.rest == '1' and exceeds(reader.i, reader.b) then return true end
  end
  if any or h.keepAll then return false end
  return exceeds(h.storedItems, h.storedBytes)
end
