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
local dead = list(function() return { num(), arg(), arg(), num(), arg(), arg(), arg(), arg() } end)
local derived = list(arg)
local state = list(function() return { arg(), arg(), arg() == '1', arg() } end)
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
local named = {}
for _, d in ipairs(deferred) do named[#named + 1] = d[1] end
for _, d in ipairs(dead) do named[#named + 1] = d[1] end
readRows(q, named)
if not areAllOutstanding(q, named) then
  for _, sequence in ipairs(named) do if not areOutstanding(q, sequence, sequence) then return no(digits(sequence)) end end
end
if bad ~= '' then return no(bad) end
for i, output in ipairs(outputs) do
  local to = stream(output[1])
  if output[4] > to.entry then fail('TOOLONG', digits(to.entry) .. ' ' .. i) end
  if to.ended then return { 'ended', i } end
  if digits(to.made) ~= output[5] then fail('REMADE', to.name) end
end
for _, output in ipairs(outputs) do openParts(stream(output[1]), output[6]) end
checkMarkers(batches)
local opened = {}
for _, r in ipairs(readers) do checkOpen(stream(r[1]), r[2], opened) end
for _, c in ipairs(cursors) do
  checkMove(stream(c[1]), c[3], c[4])
  checkReader(stream(c[1]), c[2], c[3])
end
for _, e in ipairs(ends) do stream(e[1]) end
local entries = {}
local withRow = {}
local function prepare(s)
  if entries[s] ~= nil then return end
  local row = rowOf(q, s)
  entries[s] = not row and entryOf(q.l, s)
  if row then withRow[#withRow + 1] = s end
end
for _, d in ipairs(deferred) do prepare(d[1]) end
for _, d in ipairs(dead) do if d[8] == '' then prepare(d[1]) end end
readEach(q, 'y:', withRow, function(sequence, packed) entries[sequence] = openEntry(q, sequence, packed) end)

local h, of = q.h, groupOf(q.h, group)
local function check(kind, command) call(command, K .. kind .. ':' .. q.id) end
if #state > 0 then check('st', 'HLEN') check('si', 'ZCARD') end
if #files > 0 then check('f', 'HLEN') end
local sums = sumsBefore(q, state, files)
if #settled > 0 then check('e', 'ZCARD') end
if #deferred + #derived > 0 then checkRows(q) end
local letters = 0
if #dead > 0 then
  letters = number(call('HGET', K .. 'q:' .. of, 'letters') or '0', 0, K .. 'q:' .. of, 'letters', name)
  call('XLEN', K .. 'd:' .. of)
  call('ZCARD', K .. 'dn:' .. of)
end
local reserved = {}
for i, output in ipairs(outputs) do
  local text = call('HGET', K .. 'v:' .. q.id, output[1])
  if text then
    local items, bytes, made = string.match(text, '^(%d+) (%d+) (%d+)$')
    if not items then broken(K .. 'v:' .. q.id, output[1], name, p) end
    local isOfIt = tonumber(made) == stream(output[1]).made        -- and not of one that was deleted
    reserved[output[1]] = { isOfIt and tonumber(items) or 0, isOfIt and tonumber(bytes) or 0 }
  end
end

stamp()
local letterNames = {}
for _, d in ipairs(dead) do
  local root = d[8] ~= '' and { digits(now), generation, d[8] } or entries[d[1]]          -- damaged: a record that has nothing
  letters = letters + 1
  local payload, headers = d[6] ~= '' and d[6] or root[4] or '', d[7] ~= '' and d[7] or root[5] or ''
  call('XADD', K .. 'd:' .. of, digits(letters) .. '-1', 'v',
    cmsgpack.pack({ p, d[1], d[2], d[5], d[3], d[4], now, root[1], root[2], root[3], payload, headers }))
  letterNames[#letterNames + 1] = 0
  letterNames[#letterNames + 1] = letterName(d[2], digits(letters))
end
many('ZADD', K .. 'dn:' .. of, letterNames)
if #dead > 0 then call('HSET', K .. 'q:' .. of, 'letters', digits(letters)) end
for _, d in ipairs(deferred) do
  local row = needRow(q, d[1])
  row.attempts, row.node, row.error, row.alone = d[2], d[4], d[5], 0
  if d[3] == '' then row.state, row.due = PARKED, 0 else row.state, row.due = RETRYING, now + tonumber(d[3]) end
  place(q, row)
end
for _, range in ipairs(settled) do count(h, 'g', group, -(range[2] - range[1] + 1), -finish(q, range[1], range[2])) end
advance(q)
for _, record in ipairs(derived) do addOwn(q, { digits(now), generation, record, '', '' }) end
storeState(q, state, sums)
storeFiles(q, files, sums)
for _, output in ipairs(outputs) do
  local to = stream(output[1])
  local kept = reserved[to.name]
  if kept then
    local items, bytes = math.min(kept[1], output[2]), math.min(kept[2], output[3])
    kept[1], kept[2] = kept[1] - items, kept[2] - bytes
    if kept[1] + kept[2] == 0 then call('HDEL', K .. 'v:' .. q.id, to.name)
    else call('HSET', K .. 'v:' .. q.id, to.name, digits(kept[1]) .. ' ' .. digits(kept[2]) .. ' ' .. digits(to.made)) end
    reserve(to, -items, -bytes)
    if items > 0 then changedRoom(to.name) end
  end
  append(to, output[6])
end
for _, r in ipairs(readers) do openReader(stream(r[1]), r[2], r[3], r[4], r[5]) end
for _, c in ipairs(cursors) do moveReader(stream(c[1]), c[2], c[3], c[4]) end
countBatches(batches)
for _, e in ipairs(ends) do endStream(stream(e[1]), e[2]) end
q.commit, q.commitEpoch, q.version = sequence, epoch, q.knows
save(q)
trim(h, p)
if #deferred > 0 or #derived > 0 or h.ended then changedAt(name, p) else changedRoom(name) end
return { 'committed' }
