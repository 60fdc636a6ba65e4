-- The entries of a partition: s:stream:part has chunks of records, i:stream:part where they begin (as "first:count:bytes before:bytes"), so
-- that lengths are known without reading payloads; within a chunk they go in proportion. l:stream has the marks of all partitions, from the moment the stream is made: "new" and the number of one that never had an entry, else
-- "tail trimmed sum gone" with their checksum.
local LOG_FORM = '^(%d+) (%d+) (%d+) (%d+)$'

-- The numbers in the marks of a log; nothing if they are damaged. A group, or a reader, begins with a copy of them.
local function readLog(id, p, text)
  if text == newLog(p) then return 0, 0, 0, 0 end
  local tail, trimmed, sum, gone = string.match(unseal(id, text) or '', LOG_FORM)
  tail, trimmed, sum, gone = tonumber(tail), tonumber(trimmed), tonumber(sum), tonumber(gone)
  if tail and tail > 0 and tail <= LARGEST and trimmed <= tail and gone <= sum and sum <= LARGEST then return tail, trimmed, sum, gone end
end

-- Whether a text is such a copy.
local function isLogText(text) return text and (string.find(text, '^new %d+$') or string.find(text, '^%d+ %d+ %d+ %d+ %d+$')) end

local function openLog(h, p, text, isQuiet)
  local l = { h = h, p = p, id = h.id .. ':' .. p }
  l.chunks, l.index = K .. 's:' .. l.id, K .. 'i:' .. l.id
  l.tail, l.trimmed, l.sum, l.gone = readLog(l.id, p, text)
  if not l.tail then return isQuiet and nil or broken(K .. 'l:' .. h.id, p, h.name, p) end
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
    -- One that is damaged is an error of whoever asks for it by itself.
    for i = at, last do openLog(h, fields[i], texts[i - at + 1], true) end
  end
end

-- A partition that has never had an entry has no chunks: else its marks are those of another time.
local function needMarks(l, hasChunks)
  if l.tail == 0 and (hasChunks or call('XLEN', l.chunks) > 0) then broken(K .. 'l:' .. l.h.id, l.p, l.h.name, l.p) end
end

local function flushLogs()
  local changes = {}
  for _, l in ipairs(logs) do
    if l.dirty then
      local list = changes[l.h.id] or {}
      local n = #list
      changes[l.h.id], list[n + 1], list[n + 2], l.dirty = list, l.p, seal(l.id, string.format('%.0f %.0f %.0f %.0f', l.tail, l.trimmed, l.sum, l.gone)), false
    end
  end
  for id, list in pairs(changes) do many('HSET', K .. 'l:' .. id, list) end
end

-- The chunk that has a sequence; nil if the index has none for it.
local function chunkOf(l, sequence)
  local c = l.found
  if c and c.first <= sequence and sequence <= c.last then return c end
  local member = call('ZREVRANGEBYSCORE', l.index, sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not member then return nil end
  local first, items, before, bytes = string.match(member, '^(%d+):(%d+):(%d+):(%d+)$')
  if not first or items == '0' then return nil end
  c = { first = tonumber(first), count = tonumber(items), before = tonumber(before), bytes = tonumber(bytes), member = member }
  c.last = c.first + c.count - 1
  if sequence > c.last then return nil end
  l.found = c
  return c
end

-- The same where a chunk is gone: up to the next one.
local function beforeGap(l, sequence)
  local member = call('ZRANGEBYSCORE', l.index, '(' .. digits(sequence), '+inf', 'LIMIT', 0, 1)[1]
  return tonumber(string.match(member or '', '^%d+:%d+:(%d+):%d+$')) or l.sum
end

-- Payloads and headers of everything up to a sequence.
local function upTo(l, sequence)
  if sequence >= l.tail then return l.sum end
  local c = chunkOf(l, sequence)
  if not c then return sequence <= l.trimmed and l.gone or beforeGap(l, sequence) end
  return c.before + math.floor(c.bytes * (sequence - c.first + 1) / c.count)
end

local function bytesOf(l, first, last)
  if first > last then return 0 end
  return upTo(l, last) - upTo(l, first - 1)
end

-- Reads a chunk's records, with its time and generation; nil if they are gone.
local function read(l, c)
  if c.records then return c end
  local id = digits(c.first) .. '-' .. c.count
  local found = call('XRANGE', l.chunks, id, id)[1]
  if not found or not found[2][6] then return nil end
  c.time, c.generation, c.records = found[2][2], found[2][4], found[2][6]
  return c
end

-- The length of the record that begins at a place; nil if no whole one does.
local function recordLength(records, at)
  if at + 27 > #records then return nil end
  local length = struct.unpack('<I4', records, at) + 8
  return length >= 28 and at + length - 1 <= #records and length or nil
end

-- Goes to an entry of a chunk: where its record begins; nil if a record before it is damaged.
local function seek(c, sequence)
  local at, from = 1, c.first
  if c.atSequence and c.atSequence <= sequence then at, from = c.at, c.atSequence end
  for _ = from + 1, sequence do
    local length = recordLength(c.records, at)
    if not length then return nil end
    at = at + length
  end
  c.at, c.atSequence = at, sequence
  return at
end

-- One entry, as { time, generation, record }; the record of one that is gone is empty.
local function tryEntryOf(l, sequence)
  local c = chunkOf(l, sequence)
  local at = c and read(l, c) and seek(c, sequence)
  local length = at and recordLength(c.records, at)
  if not length then return { digits(now), generation, '' } end
  return { c.time, c.generation, string.sub(c.records, at, at + length - 1) }
end

local function gone(l, sequence) fail('DAMAGED', l.p .. ' ' .. digits(sequence) .. ' ' .. l.h.name) end

local function entryOf(l, sequence)
  local entry = tryEntryOf(l, sequence)
  if entry[3] == '' then gone(l, sequence) end
  return entry
end

local function store(l, items, bytes, records, time, since)
  local first = l.tail + 1
  call('XADD', l.chunks, string.format('%.0f-%d', first, items), 't', time, 'g', since, 'r', records)
  call('ZADD', l.index, first, string.format('%.0f:%d:%.0f:%.0f', first, items, l.sum, bytes))
  l.tail, l.sum, l.dirty = first + items - 1, l.sum + bytes, true
  return first
end

-- A message with an append, so that a reader who has waited for it need not ask: name, zero, partition, count, first, time, generation, records, the store's id. Channels know no databases: another store may have this prefix. Earlier versions read no further than the records.
local MOST_PUSHED = 1024
local function push(name, part, first)
  if #part[4] > MOST_PUSHED then return nil end
  return name .. struct.pack('<BI4I4I8I8I4', 0, part[1], part[2], first, now, generation) .. part[4] .. ARGV[2]
end

-- The marks of the partitions that some parts are for, the consumers that will be told of them, and that they can be appended there: the keys that will be written to are of the right kind.
local function openParts(h, parts)
  if #parts > 0 then consumers(h) end
  local partitions = {}
  for i, part in ipairs(parts) do partitions[i] = part[1] end
  openLogs(h, partitions)
  for _, p in ipairs(partitions) do
    local l = log(h, p)
    if not l.checked then
      l.checked = true
      call('ZCARD', l.index)
      if call('XLEN', l.chunks) > 0 then needMarks(l, true) end
    end
  end
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

-- Up to where entries cannot be read from one on: before the next chunk, and no further than wanted.
local function endOfGap(l, sequence, last)
  local c = chunkOf(l, sequence)
  last = math.min(last, l.tail, c and c.last or l.tail)
  local next = call('ZRANGEBYSCORE', l.index, '(' .. digits(sequence), digits(last), 'WITHSCORES', 'LIMIT', 0, 1)[2]
  return next and math.max(sequence, math.ceil(tonumber(next)) - 1) or last
end

-- How many entries of a chunk are taken from a place on, where the last of their records ends, and how many bytes are left. From a damaged record on, the rest of the chunk is taken: nobody knows where the next begins.
local function measure(c, from, at, items, bytes, isFirst)
  local n = 0
  while from + n <= c.last and n < items do
    local length = recordLength(c.records, at)
    if not length then
      n, at = math.min(items, c.last - from + 1), #c.records + 1
      break
    end
    if bytes < length - 28 and not isFirst then break end
    bytes, isFirst = bytes - (length - 28), false
    at, n = at + length, n + 1
  end
  return n, at, bytes
end

-- What is read from a place: pieces of chunks, each { first, count, time, generation, records }. What is gone ends it, or is a piece without records.
local function readPieces(l, from, items, bytes, isFirst, withGaps)
  local pieces, taken = {}, 0
  while from <= l.tail and items > 0 do
    local c = chunkOf(l, from)
    local begin, n = c and read(l, c) and seek(c, from), 0
    if begin then
      local to
      n, to, bytes = measure(c, from, begin, items, bytes, isFirst)
      if n == 0 then break end
      pieces[#pieces + 1], isFirst = { from, n, c.time, c.generation, string.sub(c.records, begin, to - 1) }, false
    else
      if not withGaps then break end
      n = endOfGap(l, from, from + items - 1) - from + 1
      pieces[#pieces + 1] = { from, n, '0', 0, '' }
    end
    from, items, taken = from + n, items - n, taken + n
    if begin and from <= c.last then break end
  end
  return pieces, taken, bytes
end
