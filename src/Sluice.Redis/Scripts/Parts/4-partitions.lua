-- What a group keeps of a partition. g:… has its marks. Entries that left the order are rows: x:… has what became of them, y:… their
-- records, xo:… all of them by sequence, xi:… those in flight, xs:… suspects, due:… retries by time. e:… has ranges above `done` that have ended.
local IN_FLIGHT, RETRYING, PARKED, SUSPECT = 0, 1, 2, 3

local function hasGroup(h, group) return consumers(h).groups[group] ~= nil end
local function needGroup(h, group) return hasGroup(h, group) or fail('NOGROUP', group .. ' ' .. h.name) end

local function partition(h, group, p)
  local l = log(h, p)
  local id = h.name .. ':' .. group .. ':' .. p
  local q = held[id]
  if q then return q end
  local v = call('HMGET', K .. 'g:' .. id, 'epoch', 'owner', 'knows', 'version', 'dispatched', 'done', 'commit', 'commitEpoch', 'own')
  q = {
    h = h, group = group, l = l, id = id, key = K .. 'g:' .. id, epoch = tonumber(v[1]) or 0, owner = v[2], knows = tonumber(v[3]) or 0, version = tonumber(v[4]) or 0,
    dispatched = tonumber(v[5]), done = tonumber(v[6]), commit = tonumber(v[7]) or 0, commitEpoch = tonumber(v[8]) or 0, own = tonumber(v[9]) or 0,
    rows = call('EXISTS', K .. 'x:' .. id) == 1, ended = call('EXISTS', K .. 'e:' .. id) == 1,
  }
  held[id] = q
  return q
end

local function save(q) call('HSET', q.key, 'dispatched', q.dispatched, 'done', q.done, 'own', q.own) end

-- The partition of an ownership; nil if somebody else has taken it since, or the group is gone.
local function owned(name, group, p, epoch)
  local h = find(name)
  if not h or not hasGroup(h, group) then return nil end
  local q = partition(h, group, p)
  if epoch > q.epoch then fail('BACKOWNER', digits(q.epoch) .. ' ' .. digits(epoch) .. ' ' .. p .. ' ' .. group .. ' ' .. name) end
  return q
end

local function rowOf(q, sequence)
  if not q.rows then return nil end
  local packed = call('HGET', K .. 'x:' .. q.id, sequence)
  if not packed then return nil end
  local v = cmsgpack.unpack(packed)
  return { sequence = sequence, state = v[1], attempts = v[2], due = v[3], before = v[4], alone = v[5], weight = v[6], length = v[7], node = v[8], error = v[9] }
end

local function dueMember(sequence) return string.format('%016.0f', math.abs(sequence)) .. (sequence < 0 and 'n' or 'p') .. digits(sequence) end

local function unplace(q, row)
  if row.state == RETRYING then call('ZREM', K .. 'due:' .. q.id, dueMember(row.sequence))
  elseif row.state == IN_FLIGHT then call('ZREM', K .. 'xi:' .. q.id, row.sequence)
  elseif row.state == SUSPECT then call('ZREM', K .. 'xs:' .. q.id, row.sequence) end
end

local function place(q, row)
  if row.state == RETRYING then call('ZADD', K .. 'due:' .. q.id, row.due, dueMember(row.sequence))
  elseif row.state == IN_FLIGHT then call('ZADD', K .. 'xi:' .. q.id, row.sequence, row.sequence)
  elseif row.state == SUSPECT then call('ZADD', K .. 'xs:' .. q.id, row.sequence, row.sequence) end
  call('HSET', K .. 'x:' .. q.id, row.sequence, cmsgpack.pack({ row.state, row.attempts, row.due, row.before, row.alone, row.weight, row.length, row.node, row.error }))
end

-- An entry is { time, generation, record, payload, headers }; the last two stand in for those of the record unless they are empty, each
-- behind the 4 bytes of its checksum.
local function lengthOf(entry)
  local headers = struct.unpack('<I4', entry[3], 25)
  local payload = #entry[3] - 28 - headers
  if #(entry[4] or '') > 0 then payload = #entry[4] - 4 end
  if #(entry[5] or '') > 0 then headers = #entry[5] - 4 end
  return payload + headers
end

local function addRow(q, sequence, state, due, weight, entry)
  local row = { sequence = sequence, state = state, attempts = 0, due = due, before = state, alone = 0, weight = weight, length = lengthOf(entry), node = '', error = '' }
  q.rows = true
  call('HSET', K .. 'y:' .. q.id, sequence, cmsgpack.pack(entry))
  call('ZADD', K .. 'xo:' .. q.id, sequence, sequence)
  call('HINCRBY', q.key, 'rowBytes', row.length)
  return row
end

local function rowEntry(q, sequence) return cmsgpack.unpack(call('HGET', K .. 'y:' .. q.id, sequence)) end

-- The row of an outstanding entry, made if it has none.
local function needRow(q, sequence)
  local row = rowOf(q, sequence)
  if row then
    unplace(q, row)
    return row
  end
  return addRow(q, sequence, IN_FLIGHT, 0, bytesOf(q.l, sequence, sequence), entryOf(q.l, sequence))
end

local function removeRow(q, row)
  unplace(q, row)
  call('HDEL', K .. 'x:' .. q.id, row.sequence)
  call('HDEL', K .. 'y:' .. q.id, row.sequence)
  call('ZREM', K .. 'xo:' .. q.id, row.sequence)
  call('HINCRBY', q.key, 'rowBytes', -row.length)
end

local function rowsBetween(q, first, last)
  if not q.rows or first > last then return {} end
  return call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, first, last)
end

-- The range of ended entries that has a sequence, or the first one behind it.
local function endedAt(q, sequence)
  if not q.ended then return nil end
  local member = call('ZREVRANGEBYSCORE', K .. 'e:' .. q.id, sequence, '-inf', 'LIMIT', 0, 1)[1]
  if not member then return nil end
  local first, last = string.match(member, '^(%d+):(%d+)$')
  first, last = tonumber(first), tonumber(last)
  if sequence <= last then return first, last, member end
  return nil
end

local function endedFrom(q, sequence)
  if not q.ended then return nil end
  local member = call('ZRANGEBYSCORE', K .. 'e:' .. q.id, sequence, '+inf', 'LIMIT', 0, 1)[1]
  if not member then return nil end
  local first, last = string.match(member, '^(%d+):(%d+)$')
  return tonumber(first), tonumber(last), member
end

local function addEnded(q, first, last)
  local f, l, member = endedAt(q, first - 1)
  if f then
    call('ZREM', K .. 'e:' .. q.id, member)
    first = f
  end
  f, l, member = endedFrom(q, last + 1)
  if f == last + 1 then
    call('ZREM', K .. 'e:' .. q.id, member)
    last = l
  end
  call('ZADD', K .. 'e:' .. q.id, first, digits(first) .. ':' .. digits(last))
  q.ended = true
end

-- Moves `done` over what has ended or has a row.
local function advance(q)
  while q.done < q.dispatched do
    local first, last, member = endedAt(q, q.done + 1)
    if first then
      call('ZREM', K .. 'e:' .. q.id, member)
      if last > q.dispatched then
        call('ZADD', K .. 'e:' .. q.id, q.dispatched + 1, digits(q.dispatched + 1) .. ':' .. digits(last))
        last = q.dispatched
      end
      q.done = last
    elseif q.rows and call('HEXISTS', K .. 'x:' .. q.id, q.done + 1) == 1 then q.done = q.done + 1
    else break end
  end
end

-- Calls with each stretch of entries between done and dispatched that neither have ended nor have a row; stops when told so.
local function inFlight(q, each)
  local from = q.done + 1
  while from <= q.dispatched do
    local _, last = endedAt(q, from)
    if last then from = last + 1
    else
      local to = q.dispatched
      local nextEnded = endedFrom(q, from)
      if nextEnded then to = math.min(to, nextEnded - 1) end
      for _, text in ipairs(rowsBetween(q, from, to)) do
        local at = tonumber(text)
        if from < at and each(from, at - 1) then return end
        from = at + 1
      end
      if from <= to and each(from, to) then return end
      from = to + 1
    end
  end
end

local function haveRows(q, first, last)
  if first > last then return true end
  return q.rows and call('ZCOUNT', K .. 'xo:' .. q.id, first, last) == last - first + 1
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

-- Ends entries that are outstanding; returns the length that was counted for them.
local function finish(q, first, last)
  local bytes = 0
  for _, text in ipairs(rowsBetween(q, first, last)) do
    local row = rowOf(q, tonumber(text))
    if row.sequence <= q.done then bytes = bytes + row.weight end
    removeRow(q, row)
  end
  local from = math.max(first, q.done + 1)
  if from <= last then
    bytes = bytes + bytesOf(q.l, from, last)
    if from == q.done + 1 and last <= q.dispatched then q.done = last
    else addEnded(q, from, last) end
  end
  return bytes
end

-- The owner is gone without a word: what it had in flight is suspect. An owner that takes its own partition anew lives: nothing has killed it.
local function suspect(q, isAlive)
  local fresh = {}
  inFlight(q, function(first, last) for sequence = first, last do fresh[#fresh + 1] = sequence end end)
  for _, sequence in ipairs(fresh) do place(q, needRow(q, sequence)) end
  for _, text in ipairs(call('ZRANGE', K .. 'xi:' .. q.id, 0, -1)) do
    local row = rowOf(q, tonumber(text))
    unplace(q, row)
    if row.alone == 1 and not isAlive then row.attempts = row.attempts + 1 end
    row.state, row.alone, row.due = SUSPECT, 0, 0
    place(q, row)
  end
  advance(q)
end

-- The owner gives back what it has in flight: as if it had never been leased.
local function giveBack(q)
  for _, text in ipairs(call('ZRANGE', K .. 'xi:' .. q.id, 0, -1)) do
    local row = rowOf(q, tonumber(text))
    unplace(q, row)
    row.state, row.alone = row.before, 0
    place(q, row)
  end
  inFlight(q, function(first)
    q.dispatched = first - 1
    return true
  end)
end

local function unreserve(q)
  local flat = call('HGETALL', K .. 'v:' .. q.id)
  for i = 1, #flat, 2 do
    local h = find(flat[i])
    local items, bytes = string.match(flat[i + 1], '^(%d+) (%d+)$')
    if h then
      reserve(h, -tonumber(items), -tonumber(bytes))
      changed(h.name)
    end
  end
  if #flat > 0 then call('DEL', K .. 'v:' .. q.id) end
end

-- A new entry of the group's own.
local function addOwn(q, entry)
  q.own = q.own - 1
  local row = addRow(q, q.own, RETRYING, stamp(), lengthOf(entry), entry)
  place(q, row)
  count(q.h, 'g', q.group, 1, row.weight)
end

-- A row as it is shown: payload and all, or without the payload.
local function show(q, sequence, withPayload)
  local row = rowOf(q, sequence)
  local entry = rowEntry(q, sequence)
  local record, payload = entry[3], entry[4] or ''
  if not withPayload then record, payload = string.sub(record, 1, 28 + struct.unpack('<I4', record, 25)), '' end
  return { digits(sequence), entry[1], entry[2], record, payload, entry[5] or '', row.state, row.attempts, row.state == RETRYING and row.due or -1, row.node, row.error }
end

local function waitingRows(id) return call('HLEN', K .. 'x:' .. id) - call('ZCARD', K .. 'xi:' .. id) end
