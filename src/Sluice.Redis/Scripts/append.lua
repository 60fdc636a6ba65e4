-- adds entries; as append_anyway, it may also do so when the memory is full
local h = stream(arg())
local name, epoch, sequence, last, longest, made = arg(), num(), num(), num(), num(), arg()
local hasPosition, position, forgetAfter = arg() == '1', arg(), arg()
local firstPart, parts, batches = num(), takeParts(), takeBatches()
sweep(h)
local v = producerOf(h, name)

if epoch > v[1] then fail('BACKPRODUCER', digits(v[1])) end
if epoch < v[1] then return { 'refused', v[2] } end
if last <= v[2] then
  if v[3] == sequence then return { 'duplicate', v[2], v[4], v[5], v[6], v[7] } end
  return { 'duplicate', v[2], -1, 0, 0, v[7] }
end
if sequence ~= v[2] + 1 then return { 'gap', v[2] } end
local countsOnly = #parts == 0 and #batches > 0 and not hasPosition
if h.ended and not (countsOnly and string.find(h.ended, '^C')) then return { 'ended', v[2] } end
if longest > h.entry then fail('TOOLONG', digits(h.entry)) end
if digits(h.made) ~= made then fail('REMADE', h.name) end
checkMarkers(batches)
local items, bytes = 0, 0
for _, part in ipairs(parts) do items, bytes = items + part[2], bytes + part[3] end
if items > 0 and isFull(h, items, bytes) then return { 'full', v[2], nextExpiry(h) } end

openParts(h, parts)
local firsts = append(h, parts)
v[2], v[3], v[4], v[5], v[6] = last, sequence, -1, 0, generation
if firstPart > 0 then v[4], v[5] = parts[firstPart][1], firsts[firstPart] end
if hasPosition then v[7] = position end
if forgetAfter ~= '' then call('ZADD', K .. 'pf:' .. h.id, digits(stamp() + tonumber(forgetAfter)), name)
elseif v[8] ~= false then call('ZREM', K .. 'pf:' .. h.id, name) end
v[8] = forgetAfter ~= ''
storeProducer(h, name, v)
countBatches(batches)
return { 'accepted', last, v[4], v[5], v[6] }
