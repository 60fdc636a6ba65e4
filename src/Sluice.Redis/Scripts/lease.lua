-- Answers: the stale ones, what held everything back ('' | gate | quarantine) and which, when more is due, whether all has ended, and batches of
-- { which owner, rows, pieces }.
local owners, stale, mine = {}, {}, {}
for i = 1, num() do owners[i] = { arg(), arg(), num(), num() } end
local items, bytes, most = num(), num(), num()
local gates = {}
for i = 1, num() do gates[i] = arg() end
local quarantine = num() == 1 and { arg(), arg(), num() } or nil

for i, o in ipairs(owners) do
  local q = owned(o[1], o[2], o[3], o[4])
  if q and q.epoch == o[4] and q.owner then mine[#mine + 1] = { i, q } else stale[#stale + 1] = i end
end

local function leaseRow(q, row, alone)
  unplace(q, row)
  row.before, row.state, row.alone = row.state, IN_FLIGHT, alone
  place(q, row)
  local entry = rowEntry(q, row.sequence)
  return { digits(row.sequence), entry[1], entry[2], entry[3], entry[4] or '', entry[5] or '', row.attempts + 1 }
end

if quarantine then
  local h = stream(quarantine[1])
  needGroup(h, quarantine[2])
  local v = call('HMGET', K .. 'q:' .. h.name .. ':' .. quarantine[2], 'epoch', 'owner')
  local epoch = tonumber(v[1]) or 0
  if quarantine[3] > epoch then fail('BACKQUARANTINE', digits(epoch)) end
  if quarantine[3] < epoch or not v[2] then return { stale, 'quarantine', 0, -1, 0, {} } end
  for _, m in ipairs(mine) do
    local q = m[2]
    if q.h.name == quarantine[1] and q.group == quarantine[2] then
      local first = call('ZRANGE', K .. 'xs:' .. q.id, 0, 0)[1]
      if first then return { stale, '', 0, -1, 0, { { m[1], { leaseRow(q, rowOf(q, tonumber(first)), 1) }, {} } } } end
    end
  end
  return { stale, '', 0, -1, 0, {} }
end

for i, name in ipairs(gates) do stream(name) end
for i, name in ipairs(gates) do
  local h = stream(name)
  sweep(h)
  if isFull(h, 1, 1) then return { stale, 'gate', i, nextExpiry(h), 0, {} } end
end

-- After a release the mark stands before entries that have ended or wait since.
local function skip(q)
  local before = q.dispatched
  while q.dispatched < q.l.tail do
    local _, last = endedAt(q, q.dispatched + 1)
    if last then q.dispatched = last
    elseif q.rows and call('HEXISTS', K .. 'x:' .. q.id, q.dispatched + 1) == 1 then q.dispatched = q.dispatched + 1
    else break end
  end
  if q.dispatched > before then advance(q) end
end

local batches, isFirst = {}, true
for _, m in ipairs(mine) do
  if #batches == most then break end
  local q, rows, pieces, blocked = m[2], {}, {}, false
  local from, done = q.dispatched, q.done
  while q.rows and items > 0 and bytes > 0 do
    local member = call('ZRANGEBYSCORE', K .. 'due:' .. q.id, '-inf', now, 'LIMIT', 0, 1)[1]
    if not member then break end
    local row = rowOf(q, tonumber(string.sub(member, 18)))
    blocked = not isFirst and row.length > bytes
    if blocked then break end
    rows[#rows + 1] = leaseRow(q, row, 0)
    items, bytes, isFirst = items - 1, bytes - row.length, false
  end
  while not blocked and items > 0 and bytes > 0 do
    if q.rows or q.ended then skip(q) end
    if q.dispatched == q.l.tail then break end
    local first, last = q.dispatched + 1, q.l.tail
    local nextEnded = endedFrom(q, first)
    if nextEnded then last = math.min(last, nextEnded - 1) end
    if q.rows then
      local nextRow = call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, first, last, 'LIMIT', 0, 1)[1]
      if nextRow then last = tonumber(nextRow) - 1 end
    end
    local wanted = math.min(items, last - first + 1)
    local found, taken, left = readPieces(q.l, first, wanted, bytes, isFirst)
    for _, piece in ipairs(found) do
      piece[1] = digits(piece[1])
      pieces[#pieces + 1] = piece
    end
    q.dispatched, items, bytes = q.dispatched + taken, items - taken, left
    if taken > 0 then isFirst = false end
    blocked = taken < wanted
  end
  if q.dispatched ~= from or q.done ~= done then save(q) end
  if #rows + #pieces > 0 then batches[#batches + 1] = { m[1], rows, pieces } end
end

local nextDue, hasEnded = -1, #batches == 0 and #mine > 0
for _, m in ipairs(mine) do
  local q = m[2]
  if not q.h.ended or q.done ~= q.l.tail or (q.rows and call('EXISTS', K .. 'x:' .. q.id) == 1) then hasEnded = false end
  if q.rows then
    local first = call('ZRANGE', K .. 'due:' .. q.id, 0, 0, 'WITHSCORES')[2]
    if first then
      local left = math.max(0, tonumber(first) - now)
      if nextDue < 0 or left < nextDue then nextDue = left end
    end
  end
end
return { stale, '', 0, nextDue, hasEnded and 1 or 0, batches }
