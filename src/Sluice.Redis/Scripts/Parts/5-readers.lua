-- Readers: r:…:reader has options, and by partition the place, or the marks of the log as they were when it was opened; rx: when they expire. Producers that are forgotten: pf:.
local MOST_CHUNKS, MOST_CLOSED, MOST_FORGOTTEN = 500, 16, 100     -- of a sweep

-- The place of a reader, and when it expires.
local function placeOf(h, reader, p)
  local key = K .. 'r:' .. h.id .. ':' .. reader
  local v = call('HMGET', key, p, 'expires')
  if isLogText(v[1]) then return before(h, h.readers[reader], p, v[1], key) + 1, v[2] end
  return number(v[1], 1, key, p, h.name, p), v[2]
end

local trim, trimMore
do
  -- Up to where a group has let go of a partition.
  local function doneOf(h, group, p)
    local of = groupOf(h, group)
    local q = held[of .. ':' .. p]
    if q then return q.done end
    local text = call('HGET', K .. 'g:' .. of, p)
    if isLogText(text) then return before(h, h.groups[group], p, text, K .. 'g:' .. of) end
    local values = { string.match(unseal(of .. ':' .. p, text) or '', MARKS_FORM) }
    return tonumber(values[8]) or broken(K .. 'g:' .. of, p, h.name, p)
  end

  -- Lets go of what everybody has passed, in whole chunks, as far as one call goes; whether that was all.
  local function tryTrim(h, p)
    consumers(h)
    if h.keepAll or h.consumers == 0 then return true end
    local l = log(h, p)
    local passed, isAll = l.tail, true
    for name in pairs(h.groups) do passed = math.min(passed, doneOf(h, name, p)) end
    for name in pairs(h.readers) do
      if passed <= l.trimmed then return true end
      passed = math.min(passed, placeOf(h, name, p) - 1)
    end
    if passed <= l.trimmed then return true end
    local most = call('ZRANGE', l.index, MOST_CHUNKS, MOST_CHUNKS, 'WITHSCORES')[2]
    if most and tonumber(most) - 1 < passed then passed, isAll = tonumber(most) - 1, false end
    if passed <= l.trimmed then broken(l.index, 'first', h.name, p) end
    local c = chunkOf(l, passed + 1)
    if not c and passed < l.tail then return true end               -- it is damaged there: what is behind it stays
    local gone, first = l.sum, l.tail + 1
    if c then gone, first = c.before + (passed < c.first and 0 or math.floor(c.bytes * (passed - c.first + 1) / c.count)), c.first end
    addStored(h, l.trimmed - passed, l.gone - math.max(gone, l.gone))
    call('XTRIM', l.chunks, 'MINID', digits(first) .. '-0')
    call('ZREMRANGEBYSCORE', l.index, '-inf', '(' .. digits(first))
    l.trimmed, l.gone, l.dirty = passed, gone, true
    return isAll
  end

  -- What others have damaged keeps what is there, and fails nobody: a trimming comes behind what a call has written.
  local function trimSome(h, p)
    local isDone, isAll = pcall(tryTrim, h, p)
    if isDone then return isAll end
    local said = type(isAll) == 'table' and isAll.err or tostring(isAll)
    if not string.find(said, '^SLUICE BROKEN') and not string.find(said, '^WRONGTYPE') then error(isAll, 0) end
    return true
  end

  -- Trims the partitions that have not been looked at since a consumer has gone, as many as one call may; the next call goes on.
  function trimMore(h)
    if h.untrimmed < 0 then return end
    local p, left = h.untrimmed, math.max(1, math.floor(512 / (4 + consumers(h).consumers)))
    if h.keepAll or h.consumers == 0 then p = h.partitions end
    local last = math.min(p + left, h.partitions) - 1
    if p <= last then openLogs(h, between(p, last)) end
    while p <= last and trimSome(h, p) do p = p + 1 end
    h.untrimmed, h.dirty = p < h.partitions and p or -1, true
  end

  function trim(h, p)
    if not trimSome(h, p) then h.untrimmed, h.dirty = h.untrimmed < 0 and p or math.min(p, h.untrimmed), true end
  end
end

local function trimAll(h)
  h.untrimmed, h.dirty = 0, true
  trimMore(h)
  changed(h.name)
end

local function useReader(h, name, expires)
  if expires and expires ~= '' then call('ZADD', K .. 'rx:' .. h.id, digits(stamp() + number(expires, 0, K .. 'r:' .. h.id .. ':' .. name, 'expires', h.name)), name) end
end

-- What there is for a consumer that is made now. It begins with a copy of the marks of all logs, which costs the same however many there are of them in use.
local function beginAt(h, key, atNew)
  flushLogs()                                  -- this call may have appended, or trimmed
  if call('COPY', K .. 'l:' .. h.id, key, 'REPLACE') == 0 then broken(K .. 'l:' .. h.id, nil, h.name) end
  if atNew == '1' then return 0, 0 end
  return h.storedItems, h.storedBytes
end

local function openReader(h, name, atNew, expires, gates)
  local key = K .. 'r:' .. h.id .. ':' .. name
  if not consumers(h).readers[name] then
    needRoom(h, 1)
    local items, bytes = beginAt(h, key, atNew)
    addConsumer(h, 'r', name, items, bytes, gates, atNew)
    call('HSET', key, 'expires', expires)
  end
  useReader(h, name, call('HGET', key, 'expires'))
end

-- What opening a reader will read, before anything is written. `opened` has the readers that are new of one call, and how many each stream gets.
local function checkOpen(h, name, opened)
  local key, marks = K .. 'r:' .. h.id .. ':' .. name, K .. 'l:' .. h.id
  call('ZCARD', K .. 'rx:' .. h.id)
  if consumers(h).readers[name] then
    local expires = call('HGET', key, 'expires')
    if expires and expires ~= '' then number(expires, 0, key, 'expires', h.name) end
  elseif not opened[key] then
    opened[key], opened[h.id] = true, (opened[h.id] or 0) + 1
    needRoom(h, opened[h.id])
    if call('HLEN', marks) == 0 then broken(marks, nil, h.name) end
  end
end

-- The places as they are stored: who has asked reads them.
local function showReader(h, name)
  local key = K .. 'r:' .. h.id .. ':' .. name
  local one, places, expires = consumers(h).readers[name], {}, call('HGET', key, 'expires') or broken(key, 'expires', h.name)
  for from = 0, h.partitions - 1, 500 do
    for i, text in ipairs(call('HMGET', key, unpack(between(from, math.min(from + 500, h.partitions) - 1)))) do places[from + i] = text or broken(key, from + i - 1, h.name) end
  end
  return { name, one.isNew and 1 or 0, expires, one.rest, one.i, places }
end

local function closeReader(h, name)
  call('ZREM', K .. 'rx:' .. h.id, name)
  if not consumers(h).readers[name] then return end
  call('UNLINK', K .. 'r:' .. h.id .. ':' .. name)
  h.untrimmed = 0
  removeConsumer(h, 'r', name)
  changed(h.name)
end

-- A cursor behind the end is from before the store lost something.
local function checkMove(h, p, to)
  local l = log(h, p)
  if to > l.tail + 1 then fail('BACKCURSOR', digits(l.tail) .. ' ' .. digits(to) .. ' ' .. p .. ' ' .. h.name) end
end

-- What moving a reader will read, before anything is written.
local function checkReader(h, name, p)
  if not consumers(h).readers[name] then return end
  local key = K .. 'r:' .. h.id .. ':' .. name
  local _, expires = placeOf(h, name, p)
  if not expires then broken(key, 'expires', h.name) end
  if expires ~= '' then number(expires, 0, key, 'expires', h.name) end
  call('ZCARD', K .. 'rx:' .. h.id)
end

local function moveReader(h, name, p, to)
  if not consumers(h).readers[name] then return 0 end
  local key = K .. 'r:' .. h.id .. ':' .. name
  local from, expires = placeOf(h, name, p)
  useReader(h, name, expires or broken(key, 'expires', h.name))
  if to <= from then return 1 end
  count(h, 'r', name, from - to, -bytesOf(log(h, p), from, to - 1))
  call('HSET', key, p, digits(to))
  trim(h, p)
  changedRoom(h.name)
  return 1
end

-- Closes readers that nobody uses any more, and forgets producers whose time is over: some of them, the next call goes on.
local function sweep(h)
  for _, name in ipairs(call('ZRANGEBYSCORE', K .. 'rx:' .. h.id, '-inf', digits(now), 'LIMIT', 0, MOST_CLOSED)) do closeReader(h, name) end
  local forgotten = call('ZRANGEBYSCORE', K .. 'pf:' .. h.id, '-inf', digits(now), 'LIMIT', 0, MOST_FORGOTTEN)
  many('ZREM', K .. 'pf:' .. h.id, forgotten)
  many('HDEL', K .. 'p:' .. h.id, forgotten)
  trimMore(h)
end

-- How long until a reader may expire, in microseconds; -1 if none may.
local function nextExpiry(h)
  local first = call('ZRANGE', K .. 'rx:' .. h.id, 0, 0, 'WITHSCORES')
  return first[2] and math.max(0, tonumber(first[2]) - now) or -1
end

-- A producer: { epoch, last, first number of the last append, then partition, sequence and generation of its entry, position, whether it may be forgotten }. One whose time is over is new, swept or not.
local PRODUCER_FORM = { 'number', 'number', 'number', 'number', 'number', 'number', 'string' }
local function producerOf(h, name)
  local packed = call('HGET', K .. 'p:' .. h.id, name)
  if not packed then return { 0, 0, 0, -1, 0, 0, '' } end
  local isSound, v = pcall(cmsgpack.unpack, string.sub(packed, 7))
  isSound = isSound and type(v) == 'table' and struct.unpack('<I6', packed) == sumOf(name .. ' ' .. string.sub(packed, 7))
  for i, form in ipairs(PRODUCER_FORM) do isSound = isSound and type(v[i]) == form end
  if not isSound then broken(K .. 'p:' .. h.id, name, h.name) end
  if v[8] and tonumber(call('ZSCORE', K .. 'pf:' .. h.id, name) or now + 1) <= now then return { 0, 0, 0, -1, 0, 0, '' } end
  return v
end

-- Behind its checksum.
local function storeProducer(h, name, v)
  local packed = cmsgpack.pack(v)
  call('HSET', K .. 'p:' .. h.id, name, struct.pack('<I6', sumOf(name .. ' ' .. packed)) .. packed)
end

local function endStream(h, text)
  if h.ended then return h.ended end
  h.ended, h.dirty = text, true
  call('HSET', h.key, 'end', text)
  changed(h.name)
  return text
end
