local h, group, atNew = stream(arg()), arg(), arg()
if hasGroup(h, group) then return false end
local items, bytes = 0, 0
for p = 0, h.partitions - 1 do
  local l = log(h, p)
  local before = atNew == '1' and l.tail or l.trimmed
  call('HSET', K .. 'g:' .. h.name .. ':' .. group .. ':' .. p, 'dispatched', before, 'done', before)
  items, bytes = items + l.tail - before, bytes + bytesOf(l, before + 1, l.tail)
end
call('HSET', K .. 'b:' .. h.name, 'gi:' .. group, items, 'gb:' .. group, bytes)
