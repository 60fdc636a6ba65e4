-- Rows of entries that left the order: x:… has what became of them, y:… their records, xo:… all of them by sequence, xi:… those in flight, xs:… suspects, due:… retries by time. A call changes them in memory, and
-- writes them when it has found nothing wrong (flushRows).
local IN_FLIGHT, RETRYING, PARKED, SUSPECT = 0, 1, 2, 3
local INDEX = { [IN_FLIGHT] = 'xi:', [RETRYING] = 'due:', [SUSPECT] = 'xs:' }

local function dueMember(sequence) return string.format('%016.0f', math.abs(sequence)) .. (sequence < 0 and 'n' or 'p') .. digits(sequence) end

local function member(q, text, key, pattern)
  local sequence = tonumber(string.match(text, pattern))
  if not sequence then broken(key, text, q.h.name, q.p) end
  return sequence
end

local function sumOfRow(sequence, packed) return sumOf('row ' .. digits(sequence) .. ' ' .. packed) end

local ROW_FORM = { 'number', 'number', 'number', 'number', 'number', 'number', 'number', 'string', 'string' }
local function openRow(q, sequence, packed)
  if not packed then
    q.cache[sequence] = false
    return nil
  end
  local isSound, v = pcall(cmsgpack.unpack, packed)
  isSound = isSound and type(v) == 'table' and #v == #ROW_FORM and type(v[1]) == 'number' and v[1] >= IN_FLIGHT and v[1] <= SUSPECT
  for i, form in ipairs(ROW_FORM) do isSound = isSound and type(v[i]) == form end
  if not isSound then broken(K .. 'x:' .. q.id, digits(sequence), q.h.name, q.p) end
  local row = { sequence = sequence, state = v[1], attempts = v[2], due = v[3], before = v[4], alone = v[5], weight = v[6], length = v[7], node = v[8], error = v[9], was = v[1], wasDue = v[3], sum = sumOfRow(sequence, packed) }
  q.cache[sequence] = row
  return row
end

local function rowOf(q, sequence)
  local row = q.cache[sequence]
  if row ~= nil then return row or nil end
  if q.rows == 0 then return nil end
  return openRow(q, sequence, call('HGET', K .. 'x:' .. q.id, digits(sequence)))
end

-- The values of many fields, each given with its sequence.
local function readEach(q, kind, sequences, each)
  for at = 1, #sequences, 500 do
    local last, fields = math.min(at + 499, #sequences), {}
    for i = at, last do fields[#fields + 1] = digits(sequences[i]) end
    for i, value in ipairs(call('HMGET', K .. kind .. q.id, unpack(fields))) do each(sequences[at + i - 1], value) end
  end
end

-- Reads the rows of many entries; of those that have none, too, it is known then.
local function readRows(q, sequences)
  if q.rows > 0 then readEach(q, 'x:', sequences, function(sequence, packed) if q.cache[sequence] == nil then openRow(q, sequence, packed) end end) end
end

local function hasRow(q, sequence)
  if q.cache[sequence] ~= nil then return q.cache[sequence] ~= false end
  return q.rows > 0 and call('HEXISTS', K .. 'x:' .. q.id, digits(sequence)) == 1
end

-- The row of an entry that an index has.
local function needRowOf(q, sequence, index)
  return rowOf(q, sequence) or broken(K .. index .. q.id, digits(sequence), q.h.name, q.p, 'has an entry without a row')
end

-- Before rows of a partition are changed for the first time in a call: what belongs together is there, and is of the right kind.
local function checkRows(q)
  if q.checked then return end
  q.checked = true
  local function same(kind, command, n)
    if call(command, K .. kind .. q.id) ~= n then broken(K .. kind .. q.id, 'count', q.h.name, q.p) end
  end
  same('x:', 'HLEN', q.rows)
  same('y:', 'HLEN', q.rows)
  same('xo:', 'ZCARD', q.rows)
  same('xi:', 'ZCARD', q.flight)
  call('ZCARD', K .. 'xs:' .. q.id)
  call('ZCARD', K .. 'due:' .. q.id)
end

-- A row was changed.
local function place(q, row)
  checkRows(q)
  q.changes[row.sequence], q.dirty = row, true
end

-- An entry is { time, generation, record, payload, headers }; the last two stand in for those of the record unless they are empty, each
-- behind the 4 bytes of its checksum.
local function lengthOf(entry)
  if #entry[3] < 28 then return 0 end             -- gone
  local headers = struct.unpack('<I4', entry[3], 25)
  local payload = #entry[3] - 28 - headers
  if #(entry[4] or '') > 0 then payload = #entry[4] - 4 end
  if #(entry[5] or '') > 0 then headers = #entry[5] - 4 end
  return payload + headers
end

local function addRow(q, sequence, state, due, weight, entry)
  local row = { sequence = sequence, state = state, attempts = 0, due = due, before = state, alone = 0, weight = weight, length = lengthOf(entry), node = '', error = '', entry = entry }
  checkRows(q)
  q.rows, q.rowBytes, q.cache[sequence], q.changes[sequence], q.dirty = q.rows + 1, q.rowBytes + row.length, row, row, true
  return row
end

local function openEntry(q, sequence, packed)
  local isSound, entry = pcall(cmsgpack.unpack, packed or '')
  isSound = isSound and type(entry) == 'table' and entry[2]
  for i, form in ipairs({ 'string', false, 'string' }) do isSound = isSound and (not form or type(entry[i]) == form) end
  if not isSound then broken(K .. 'y:' .. q.id, digits(sequence), q.h.name, q.p) end
  return entry
end

local function rowEntry(q, sequence) return openEntry(q, sequence, call('HGET', K .. 'y:' .. q.id, digits(sequence))) end

-- The row of an outstanding entry, made if it has none.
local function needRow(q, sequence)
  return rowOf(q, sequence) or addRow(q, sequence, IN_FLIGHT, 0, bytesOf(q.l, sequence, sequence), entryOf(q.l, sequence))
end

local function removeRow(q, row)
  place(q, row)
  row.isGone, q.cache[row.sequence], q.rows, q.rowBytes = true, false, q.rows - 1, q.rowBytes - row.length
end

local function rowsBetween(q, first, last)
  if q.rows == 0 or first > last then return {} end
  local found = call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, digits(first), digits(last), 'LIMIT', 0, STEPS)
  for i, text in ipairs(found) do found[i] = member(q, text, K .. 'xo:' .. q.id, '^%-?%d+$') end
  return found
end

-- Writes the rows that a call has changed.
local function flushRows(q)
  if not next(q.changes) then return end
  local added, removed, set, entries, gone, order, forgotten = {}, {}, {}, {}, {}, {}, {}
  for state in pairs(INDEX) do added[state], removed[state] = {}, {} end
  for sequence, row in pairs(q.changes) do
    local text = digits(sequence)
    local moves = row.isGone or row.was ~= row.state or row.wasDue ~= row.due
    if moves and row.was then
      if row.was == IN_FLIGHT then q.flight = q.flight - 1 end
      local list = removed[row.was]
      if list then list[#list + 1] = row.was == RETRYING and dueMember(sequence) or text end
    end
    if row.isGone then
      if row.was then gone[#gone + 1] = text end
      addSum(q, -(row.sum or 0))
    else
      local n, before = #set, row.sum or 0
      set[n + 1], set[n + 2] = text, cmsgpack.pack({ row.state, row.attempts, row.due, row.before, row.alone, row.weight, row.length, row.node, row.error })
      row.sum = sumOfRow(sequence, set[n + 2])
      addSum(q, row.sum - before)
      if moves then
        if row.state == IN_FLIGHT then q.flight = q.flight + 1 end
        local list = added[row.state]
        if list then
          n = #list
          list[n + 1], list[n + 2] = digits(row.state == RETRYING and row.due or sequence), row.state == RETRYING and dueMember(sequence) or text
        end
      end
      if row.entry then
        n = #entries
        entries[n + 1], entries[n + 2], order[n + 1], order[n + 2] = text, cmsgpack.pack(row.entry), text, text
      end
      row.was, row.wasDue, row.entry = row.state, row.due, nil
    end
  end
  for state, index in pairs(INDEX) do
    many('ZREM', K .. index .. q.id, removed[state])
    many('ZADD', K .. index .. q.id, added[state])
  end
  many('HDEL', K .. 'x:' .. q.id, gone)
  many('HDEL', K .. 'y:' .. q.id, gone)
  many('ZREM', K .. 'xo:' .. q.id, gone)
  many('HSET', K .. 'x:' .. q.id, set)
  many('HSET', K .. 'y:' .. q.id, entries)
  many('ZADD', K .. 'xo:' .. q.id, order)
  q.changes = {}
end

function flush()
  for _, q in pairs(held) do
    flushRows(q)
    if q.dirty then call('HSET', q.key, q.p, packMarks(q)) end
  end
  flushLogs()
  for _, h in pairs(streams) do if h then flushStream(h) end end
end
