-- The entries of a partition: s:stream:part has chunks of records, i:stream:part where they begin (as "first:count:bytes before:bytes"), so
-- that lengths are known without reading payloads; within a chunk they go in proportion. l:stream has the marks of all partitions, from the moment the stream is made: "tail trimmed sum gone" each.
local LOG_FORM = '^(%d+) (%d+) (%d+) (%d+)$'
local NEW_LOG = '0 0 0 0'

local function openLog(h, p, text)
  local l = { h = h, p = p, id = h.id .. ':' .. p }
  l.chunks, l.index = K .. 's:' .. l.id, K .. 'i:' .. l.id
  local tail, trimmed, sum, gone = string.match(text or '', LOG_FORM)
  l.tail, l.trimmed, l.sum, l.gone = tonumber(tail), tonumber(trimmed), tonumber(sum), tonumber(gone)
  if not tail or l.tail > LARGEST or l.trimmed > l.tail or l.gone > l.sum or l.sum > LARGEST then broken(K .. 'l:' .. h.id, p, h.name, p) end
  logs[#logs + 1], h.logs[p] = l, l
  return l
end

local function log(h, p)
  if p < 0 or p >= h.partitions then fail('NOPARTITION', p .. ' ' .. h.partitions .. ' ' .. h.name) end
  lastPartition = p
  return h.logs[p] or openLog(h, p, call('HGET', K .. 'l:' .. h.id, p))
end

local function between(first, last)
  local all = {}
  for p = first, last do all[#all + 1] = p end
  return all
end

-- The marks of several partitions in one call.
local function openLogs(h, partitions)
  local fields = {}
  for _, p in ipairs(partitions) do
    if p >= 0 and p < h.partitions and not h.logs[p] then fields[#fields + 1] = p end
  end
  for at = 1, #fields, 500 do
    local last = math.min(at + 499, #fields)
    local texts = call('HMGET', K .. 'l:' .. h.id, unpack(fields, at, last))
    for i = at, last do openLog(h, fields[i], texts[i - at + 1]) end
  end
end

-- A partition that has never had an entry has no chunks: else its marks are those of another time.
local function needMarks(l)
  if l.tail == 0 and call('XLEN', l.chunks) > 0 then broken(K .. 'l:' .. l.h.id, l.p, l.h.name, l.p) end
end

local function flushLogs()
  local changes = {}
  for _, l in ipairs(logs) do
    if l.dirty then
      local list = changes[l.h.id] or {}
      local n = #list
      changes[l.h.id], list[n + 1], list[n + 2], l.dirty = list, l.p, string.format('%.0f %.0f %.0f %.0f', l.tail, l.trimmed, l.sum, l.gone), false
    end
  end
  for id, list in pairs(changes) do many('HSET', K .. 'l:' .. id, list) end
end

-- The chunk that has a sequence; nil if it is gone.
local function chunkOf(l, sequence)
  local c = l.found
  if c and c.first <= sequence and sequence <= c.last then return c end
  local member = call('ZREVRANGEBYSCORE', l.index, sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not member then return nil end
  local first, items, before, bytes = string.match(member, '^(%d+):(%d+):(%d+):(%d+)$')
  if not first or items == '0' then broken(l.index, member, l.h.name, l.p) end
  c = { first = tonumber(first), count = tonumber(items), before = tonumber(before), bytes = tonumber(bytes), member = member }
  c.last = c.first + c.count - 1
  if sequence > c.last then return nil end
  l.found = c
  return c
end

-- Payloads and headers of everything up to a sequence.
local function upTo(l, sequence)
  if sequence >= l.tail then return l.sum end
  local c = chunkOf(l, sequence)
  if not c then return l.gone end
  return c.before + math.floor(c.bytes * (sequence - c.first + 1) / c.count)
end

local function bytesOf(l, first, last)
  if first > last then return 0 end
  return upTo(l, last) - upTo(l, first - 1)
end

-- Reads a chunk's records, with its time and generation.
local function read(l, c)
  if c.records then return c end
  local id = digits(c.first) .. '-' .. c.count
  local found = call('XRANGE', l.chunks, id, id)[1]
  if not found then fail('DAMAGED', l.p .. ' ' .. digits(c.first) .. ' ' .. l.h.name) end
  c.time, c.generation, c.records = found[2][2], found[2][4], found[2][6]
  return c
end

local function recordLength(records, at) return struct.unpack('<I4', records, at) + 8 end

-- Goes to an entry of a chunk: where its record begins.
local function seek(c, sequence)
  local at, from = 1, c.first
  if c.atSequence and c.atSequence <= sequence then at, from = c.at, c.atSequence end
  for _ = from + 1, sequence do at = at + recordLength(c.records, at) end
  c.at, c.atSequence = at, sequence
  return at
end

-- One entry, as { time, generation, record }.
local function entryOf(l, sequence)
  local c = chunkOf(l, sequence)
  if not c then fail('DAMAGED', l.p .. ' ' .. digits(sequence) .. ' ' .. l.h.name) end
  read(l, c)
  local at = seek(c, sequence)
  return { c.time, c.generation, string.sub(c.records, at, at + recordLength(c.records, at) - 1) }
end

local function store(l, items, bytes, records, time, since)
  local first = l.tail + 1
  call('XADD', l.chunks, string.format('%.0f-%d', first, items), 't', time, 'g', since, 'r', records)
  call('ZADD', l.index, first, string.format('%.0f:%d:%.0f:%.0f', first, items, l.sum, bytes))
  l.tail, l.sum, l.dirty = first + items - 1, l.sum + bytes, true
  return first
end

-- A message with an append, so that a reader who has waited for it need not ask: name, zero, partition, count, first, time, generation, records.
local MOST_PUSHED = 1024
local function push(name, part, first)
  if #part[4] > MOST_PUSHED then return nil end
  return name .. struct.pack('<BI4I4I8I8I4', 0, part[1], part[2], first, now, generation) .. part[4]
end

-- The marks of the partitions that some parts are for, and that they can be appended there.
local function openParts(h, parts)
  local partitions = {}
  for i, part in ipairs(parts) do partitions[i] = part[1] end
  openLogs(h, partitions)
  for _, p in ipairs(partitions) do needMarks(log(h, p)) end
end

-- Appends what was checked before, and counts it for every consumer. Parts are { partition, items, bytes, records }.
local function append(h, parts)
  stamp()
  openParts(h, parts)
  local items, bytes, firsts, time, since = 0, 0, {}, digits(now), tostring(generation)
  for i, part in ipairs(parts) do
    firsts[i] = store(log(h, part[1]), part[2], part[3], part[4], time, since)
    items, bytes = items + part[2], bytes + part[3]
  end
  addStored(h, items, bytes)
  if items == 0 then return firsts end
  consumers(h)
  for name in pairs(h.groups) do count(h, 'g', name, items, bytes) end
  for name in pairs(h.readers) do count(h, 'r', name, items, bytes) end
  pushed[h.name] = not touched[h.name] and #parts == 1 and next(h.readers) and push(h.name, parts[1], firsts[1]) or nil
  for _, part in ipairs(parts) do changedAt(h.name, part[1]) end
  return firsts
end

-- The parts of an argument list: how many, then partition, items, bytes, records of each.
local function takeParts()
  local parts = {}
  for i = 1, num() do parts[i] = { num(), num(), num(), arg() } end
  return parts
end

-- What is read from a place: pieces of chunks, each { first, count, time, generation, records }.
local function readPieces(l, from, items, bytes, isFirst)
  local pieces, taken = {}, 0
  while from <= l.tail and items > 0 do
    local c = chunkOf(l, from)
    if not c then break end
    read(l, c)
    local begin = seek(c, from)
    local at, n = begin, 0
    while from + n <= c.last and n < items do
      local length = recordLength(c.records, at)
      if bytes < length - 28 and not isFirst then break end
      bytes, isFirst = bytes - (length - 28), false
      at, n = at + length, n + 1
    end
    if n == 0 then break end
    pieces[#pieces + 1] = { from, n, c.time, c.generation, string.sub(c.records, begin, at - 1) }
    from, items, taken = from + n, items - n, taken + n
    if from <= c.last then break end
  end
  return pieces, taken, bytes
end
