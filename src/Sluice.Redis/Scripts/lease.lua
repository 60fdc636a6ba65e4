-- Answers: the stale ones, what held everything back ('' | gate | quarantine) and which, when more is due, whether all has ended, and batches of
-- { which owner, rows, pieces }; then when a group of them was paused, or nothing. A paused group gives nothing.
local owners, stale, mine = {}, {}, {}
for i = 1, num() do owners[i] = { arg(), arg(), num(), num() } end
local items, bytes, most, rowsLeft = math.min(num(), 4096), num(), num(), MOST_MOVED
local gates = {}
for i = 1, num() do gates[i] = arg() end
local quarantine = num() == 1 and { arg(), arg(), num() } or nil
local pauses, paused = {}, ''                    -- when the groups were paused, false for one that is not; the last of these times

for i, o in ipairs(owners) do
  local q = owned(o[1], o[2], o[3], o[4])
  if not (q and q.epoch == o[4] and q.owner and q.taking == 0) then stale[#stale + 1] = i
  else
    local group = o[1] .. '\0' .. o[2]
    if pauses[group] == nil then pauses[group] = pausedAt(q.h, o[2]) or false end
    if pauses[group] then paused = digits(pauses[group]) else mine[#mine + 1] = { i, q } end
  end
end
if paused ~= '' and #mine == 0 then return { stale, '', 0, -1, 0, {}, paused } end

local function leaseRow(q, row, alone)
  row.before, row.state, row.alone = row.state, IN_FLIGHT, alone
  place(q, row)
  local entry = rowEntry(q, row.sequence)
  return { digits(row.sequence), entry[1], entry[2], entry[3], entry[4] or '', entry[5] or '', row.attempts + 1 }
end

if quarantine then
  local h = stream(quarantine[1])
  needGroup(h, quarantine[2])
  local key = K .. 'q:' .. groupOf(h, quarantine[2])
  local v = call('HMGET', key, 'epoch', 'owner')
  local epoch = number(v[1] or '0', 0, key, 'epoch', h.name)
  if quarantine[3] > epoch and (epoch > 0 or quarantine[3] > h.groups[quarantine[2]].rest * 1048576) then fail('BACKQUARANTINE', digits(epoch)) end
  if quarantine[3] ~= epoch or not v[2] then return { stale, 'quarantine', 0, -1, 0, {}, paused } end
  for _, m in ipairs(mine) do
    local q = m[2]
    if q.h.name == quarantine[1] and q.group == quarantine[2] then
      local first = call('ZRANGE', K .. 'xs:' .. q.id, 0, 0)[1]
      if first then
        local key = K .. 'xs:' .. q.id
        local row = needRowOf(q, member(q, first, key, '^%-?%d+$'), 'xs:')
        if row.state ~= SUSPECT then broken(key, first, h.name, q.p) end
        return { stale, '', 0, -1, 0, { { m[1], { leaseRow(q, row, 1) }, {} } }, paused }
      end
    end
  end
  return { stale, '', 0, -1, 0, {}, paused }
end

for i, name in ipairs(gates) do stream(name) end
for i, name in ipairs(gates) do
  local h = stream(name)
  sweep(h)
  if isFull(h, 1, 1) then return { stale, 'gate', i, nextExpiry(h), 0, {}, paused } end
end

-- After a release the mark stands before entries that have ended or wait since. Whether it got over all of them in this call.
local steps = STEPS                              -- for all partitions together
local function skip(q)
  local before = q.dispatched
  while steps > 0 and q.dispatched < q.l.tail do
    steps = steps - 1
    local _, last = endedAt(q, q.dispatched + 1)
    if last then
      if last > q.l.tail then broken(K .. 'e:' .. q.id, digits(last), q.h.name, q.p) end
      q.dispatched = last
    elseif hasRow(q, q.dispatched + 1) then q.dispatched = q.dispatched + 1
    else
      if q.dispatched > before then advance(q) end
      return true
    end
  end
  advance(q)
  return q.dispatched == q.l.tail
end

local batches, isFirst, hasMore = {}, true, false
for _, m in ipairs(mine) do
  if #batches == most or items <= 0 or bytes <= 0 then break end
  local q, rows, pieces, blocked = m[2], {}, {}, false
  local from, done = q.dispatched, q.done
  if q.rows > q.flight and rowsLeft > 0 then
    local key, waiting = K .. 'due:' .. q.id, nil
    waiting = call('ZRANGEBYSCORE', key, '-inf', digits(now), 'LIMIT', 0, math.min(items, rowsLeft))
    for _, text in ipairs(waiting) do
      if items <= 0 or bytes <= 0 then break end
      local row = needRowOf(q, member(q, text, key, '^%d+[np](%-?%d+)$'), 'due:')
      if row.state ~= RETRYING then broken(key, text, q.h.name, q.p) end
      blocked = not isFirst and row.length > bytes
      if blocked then break end
      rows[#rows + 1] = leaseRow(q, row, 0)
      items, bytes, rowsLeft, isFirst = items - 1, bytes - row.length, rowsLeft - 1, false
    end
    hasMore = hasMore or rowsLeft == 0
  end
  while not blocked and items > 0 and bytes > 0 do
    if steps <= 0 then
      hasMore = true
      break
    end
    steps = steps - 2
    if (q.rows > 0 or q.ranges > 0) and not skip(q) then
      hasMore = true
      break
    end
    if q.dispatched == q.l.tail then break end
    local first, last = q.dispatched + 1, q.l.tail
    local nextEnded = endedFrom(q, first)
    if nextEnded then last = math.min(last, nextEnded - 1) end
    if q.rows > 0 then
      local nextRow = call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, digits(first), digits(last), 'LIMIT', 0, 1)[1]
      if nextRow then last = member(q, nextRow, K .. 'xo:' .. q.id, '^%-?%d+$') - 1 end
    end
    local wanted = math.min(items, last - first + 1)
    local found, taken, left = readPieces(q.l, first, wanted, bytes, isFirst, true)
    for _, piece in ipairs(found) do
      piece[1] = digits(piece[1])
      pieces[#pieces + 1] = piece
    end
    q.dispatched, items, bytes = q.dispatched + taken, items - taken, left
    if taken > 0 then isFirst = false end
    blocked = taken < wanted
    if taken == 0 then break end
  end
  if q.dispatched ~= from or q.done ~= done then save(q) end
  if #rows + #pieces > 0 then batches[#batches + 1] = { m[1], rows, pieces } end
end

local nextDue, hasEnded = -1, #batches == 0 and #mine > 0
for _, m in ipairs(mine) do
  local q = m[2]
  if not q.h.ended or q.done ~= q.l.tail or q.rows > 0 then hasEnded = false end
  if q.rows > 0 then
    flushRows(q)
    local first = call('ZRANGE', K .. 'due:' .. q.id, 0, 0, 'WITHSCORES')[2]
    if first then
      local left = math.max(0, tonumber(first) - now)
      if nextDue < 0 or left < nextDue then nextDue = left end
    end
  end
end
return { stale, '', 0, hasMore and 0 or nextDue, hasEnded and paused == '' and 1 or 0, batches, paused }
