-- One atomic group: everything that can be wrong is found first, then it is written without anything that can fail.
local function list(read)
  local all = {}
  for i = 1, num() do all[i] = read() end
  return all
end
local name, group, p, epoch, sequence = arg(), arg(), num(), num(), num()
local settled = list(function() return { num(), num() } end)
local bad = arg()
local deferred = list(function() return { num(), num(), arg(), arg(), arg() } end)
local dead = list(function() return { num(), arg(), arg(), num(), arg(), arg(), arg() } end)
local derived = list(arg)
local state = list(function() return { arg(), arg(), num(), arg(), arg() } end)
local files = list(function() return { arg(), arg() } end)
local outputs = list(function() return { arg(), num(), num(), num(), arg(), takeParts() } end)
local readers = list(function() return { arg(), arg(), arg(), arg(), arg() } end)
local cursors = list(function() return { arg(), arg(), num(), num() } end)
local batches = takeBatches()
local ends = list(function() return { arg(), arg() } end)

local q = owned(name, group, p, epoch)
if not q then return { 'nogroup' } end
if sequence > 0 and q.commitEpoch == epoch and q.commit == sequence then return { 'committed' } end
if epoch < q.epoch or not q.owner then return { 'void', q.epoch } end
if sequence <= q.commit then return { 'applied', q.commit } end
if sequence > q.commit + 1 then return { 'gap', q.commit } end
local function no(text) return { 'outstanding', text } end
for _, range in ipairs(settled) do if not areOutstanding(q, range[1], range[2]) then return no(digits(range[1])) end end
for _, d in ipairs(deferred) do if not areOutstanding(q, d[1], d[1]) then return no(digits(d[1])) end end
for _, d in ipairs(dead) do if not areOutstanding(q, d[1], d[1]) then return no(digits(d[1])) end end
if bad ~= '' then return no(bad) end
for i, output in ipairs(outputs) do
  local to = stream(output[1])
  if output[4] > to.entry then fail('TOOLONG', digits(to.entry) .. ' ' .. i) end
  if to.ended then return { 'ended', i } end
  if to.made ~= output[5] then fail('REMADE', to.name) end
end
checkMarkers(batches)
for _, r in ipairs(readers) do stream(r[1]) end
for _, c in ipairs(cursors) do checkMove(stream(c[1]), c[3], c[4]) end
for _, e in ipairs(ends) do stream(e[1]) end
local entries = {}
local function prepare(s) if not entries[s] then entries[s] = rowOf(q, s) and rowEntry(q, s) or entryOf(q.l, s) end end
for _, d in ipairs(deferred) do prepare(d[1]) end
for _, d in ipairs(dead) do prepare(d[1]) end

local h = q.h
stamp()
for _, d in ipairs(dead) do
  local root = entries[d[1]]
  local number = call('HINCRBY', K .. 'q:' .. name .. ':' .. group, 'letters', 1)
  local payload, headers = d[6] ~= '' and d[6] or root[4] or '', d[7] ~= '' and d[7] or root[5] or ''
  call('XADD', K .. 'd:' .. name .. ':' .. group, number .. '-1', 'v',
    cmsgpack.pack({ p, d[1], d[2], d[5], d[3], d[4], now, root[1], root[2], root[3], payload, headers }))
end
for _, d in ipairs(deferred) do
  local row = needRow(q, d[1])
  row.attempts, row.node, row.error, row.alone = d[2], d[4], d[5], 0
  if d[3] == '' then row.state, row.due = PARKED, 0 else row.state, row.due = RETRYING, now + tonumber(d[3]) end
  place(q, row)
end
for _, range in ipairs(settled) do count(h, 'g', group, -(range[2] - range[1] + 1), -finish(q, range[1], range[2])) end
advance(q)
for _, record in ipairs(derived) do addOwn(q, { digits(now), generation, record, '', '' }) end
for _, row in ipairs(state) do
  local field = row[1] .. '\0' .. row[2]
  if row[4] == '1' then
    call('HSET', K .. 'st:' .. q.id, field, struct.pack('<i4', row[3]) .. row[5])
    call('ZADD', K .. 'si:' .. q.id, 0, field)
  else
    call('HDEL', K .. 'st:' .. q.id, field)
    call('ZREM', K .. 'si:' .. q.id, field)
  end
end
for _, file in ipairs(files) do
  if tonumber(file[2]) < 0 then call('HDEL', K .. 'f:' .. q.id, file[1]) else call('HSET', K .. 'f:' .. q.id, file[1], file[2]) end
end
for _, output in ipairs(outputs) do
  local to = stream(output[1])
  local i, b = string.match(call('HGET', K .. 'v:' .. q.id, to.name) or '', '^(%d+) (%d+)$')
  if i then
    local items, bytes = math.min(tonumber(i), output[2]), math.min(tonumber(b), output[3])
    call('HSET', K .. 'v:' .. q.id, to.name, digits(i - items) .. ' ' .. digits(b - bytes))
    reserve(to, -items, -bytes)
    if items > 0 then changed(to.name) end
  end
  append(to, output[6])
end
for _, r in ipairs(readers) do openReader(stream(r[1]), r[2], r[3], r[4], r[5]) end
for _, c in ipairs(cursors) do moveReader(stream(c[1]), c[2], c[3], c[4]) end
countBatches(batches)
for _, e in ipairs(ends) do endStream(stream(e[1]), e[2]) end
call('HSET', q.key, 'commit', sequence, 'commitEpoch', epoch, 'version', q.knows)
save(q)
trim(h, p)
changed(name)
return { 'committed' }
