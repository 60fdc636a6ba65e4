-- The order of a partition: what is outstanding, and what ends.

-- Moves `done` over what has ended or has a row, as far as one call goes; whether that was all.
local function advance(q)
  for _ = 1, STEPS do
    if q.done == q.dispatched then return true end
    local first, last, member = endedAt(q, q.done + 1)
    if first then
      removeRange(q, member)
      if last > q.dispatched then
        addRange(q, q.dispatched + 1, last)
        last = q.dispatched
      end
      q.done = last
    elseif hasRow(q, q.done + 1) then q.done = q.done + 1
    else return true end
  end
  return false
end

-- Calls with each stretch of entries behind a sequence, between done and dispatched, that neither have ended nor have a row; stops when told so, or when one call has gone far enough. Returns the last sequence that
-- was looked at, or nil if that was all.
local function inFlight(q, from, each)
  from = math.max(from, q.done + 1)
  for _ = 1, STEPS do
    if from > q.dispatched then return nil end
    local _, last = endedAt(q, from)
    if last then from = last + 1
    else
      local to = q.dispatched
      local nextEnded = endedFrom(q, from)
      if nextEnded then to = math.min(to, nextEnded - 1) end
      local rows = rowsBetween(q, from, to)
      if #rows == STEPS then to = rows[STEPS] end
      for _, at in ipairs(rows) do
        if from < at and each(from, at - 1) then return at - 1 end
        from = at + 1
      end
      if from <= to and each(from, to) then return to end
      from = to + 1
    end
  end
  return from - 1
end

local function haveRows(q, first, last)
  if first > last then return true end
  if first == last then return hasRow(q, first) end
  return q.rows > 0 and call('ZCOUNT', K .. 'xo:' .. q.id, digits(first), digits(last)) == last - first + 1
end

-- Whether all of some neighbours are outstanding.
local function areOutstanding(q, first, last)
  if not haveRows(q, first, math.min(last, q.done)) then return false end
  if not haveRows(q, math.max(first, q.dispatched + 1), last) then return false end
  local f, l = math.max(first, q.done + 1), math.min(last, q.dispatched)
  if f > l then return true end
  if endedAt(q, f) then return false end
  local nextEnded = endedFrom(q, f)
  return not nextEnded or nextEnded > l
end

-- The same for any entries, by stretches of neighbours.
local function areAllOutstanding(q, sequences)
  table.sort(sequences)
  local first = nil
  for i, sequence in ipairs(sequences) do
    local behind = sequences[i + 1]
    first = first or sequence
    if behind ~= sequence and behind ~= sequence + 1 then
      if not areOutstanding(q, first, sequence) then return false end
      first = nil
    end
  end
  return true
end

-- Ends entries that are outstanding; returns the length that was counted for them.
local function finish(q, first, last)
  local bytes, from = 0, math.max(first, q.done + 1)
  for at = first, last, STEPS do
    for _, sequence in ipairs(rowsBetween(q, at, math.min(last, at + STEPS - 1))) do
      local row = needRowOf(q, sequence, 'xo:')
      if sequence <= q.done then bytes = bytes + row.weight end
      removeRow(q, row)
    end
    if q.rows == 0 then break end
  end
  if from <= last then
    bytes = bytes + bytesOf(q.l, from, last)
    if from == q.done + 1 and last <= q.dispatched then q.done = last
    else addEnded(q, from, last) end
  end
  return bytes
end

-- How many rows, and how many bytes of them, one call gives back or makes suspect.
local MOST_MOVED, MOST_BYTES = 200, 1048576

local function flying(q)
  if q.flight == 0 then return {} end
  local found = call('ZRANGE', K .. 'xi:' .. q.id, 0, MOST_MOVED - 1)
  for i, text in ipairs(found) do found[i] = needRowOf(q, member(q, text, K .. 'xi:' .. q.id, '^%-?%d+$'), 'xi:') end
  return found
end

-- The owner is gone without a word: what it had in flight is suspect. An owner that takes its own partition anew (taking is 2) lives: nothing has killed it. Whether that was all.
local function suspect(q)
  local rows = flying(q)
  for _, row in ipairs(rows) do
    if row.alone == 1 and q.taking ~= 2 then row.attempts = row.attempts + 1 end
    row.state, row.alone, row.due = SUSPECT, 0, 0
    place(q, row)
  end
  local left, bytes = MOST_MOVED - #rows, MOST_BYTES
  local stopped = left == 0 or inFlight(q, q.done + 1, function(first, last)
    for sequence = first, math.min(last, first + left - 1) do
      local row = addRow(q, sequence, SUSPECT, 0, bytesOf(q.l, sequence, sequence), tryEntryOf(q.l, sequence))
      row.before, left, bytes = IN_FLIGHT, left - 1, bytes - row.length
      if bytes <= 0 then left = 0 end
      if left == 0 then return true end
    end
    return false
  end)
  return advance(q) and not stopped
end

-- The owner gives back what it has in flight: as if it had never been leased. Whether that was all.
local function giveBack(q)
  local rows = flying(q)
  for _, row in ipairs(rows) do
    row.state, row.alone = row.before, 0
    place(q, row)
  end
  if #rows == MOST_MOVED or not advance(q) then return false end
  q.dispatched, q.dirty = q.done, true
  return true
end

-- What an owner has reserved, by stream; how many streams that were.
local MOST_RESERVED = 100
local function unreserve(id)
  local flat = call('HGETALL', K .. 'v:' .. id)
  for i = 1, #flat, 2 do
    local h = find(flat[i])
    local items, bytes, made = string.match(flat[i + 1], '^(%d+) (%d+) (%d+)$')
    if not items then broken(K .. 'v:' .. id, flat[i]) end
    if h and h.made == tonumber(made) then
      reserve(h, -tonumber(items), -tonumber(bytes))
      changedRoom(h.name)
    end
  end
  if #flat > 0 then call('DEL', K .. 'v:' .. id) end
  return #flat / 2
end

-- A new entry of the group's own.
local function addOwn(q, entry)
  q.own = q.own - 1
  local row = addRow(q, q.own, RETRYING, stamp(), lengthOf(entry), entry)
  count(q.h, 'g', q.group, 1, row.weight)
end

-- A row as it is shown: payload and all, or without the payload.
local function show(q, sequence, withPayload)
  local row = needRowOf(q, sequence, 'xo:')
  local entry = rowEntry(q, sequence)
  local record, payload = entry[3], entry[4] or ''
  if not withPayload and #record >= 28 then record, payload = string.sub(record, 1, 28 + struct.unpack('<I4', record, 25)), '' end
  return { digits(sequence), entry[1], entry[2], record, payload, entry[5] or '', row.state, row.attempts, row.state == RETRYING and row.due or -1, row.node, row.error }
end
