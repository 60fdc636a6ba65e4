local h, group, atNew = stream(arg()), arg(), arg()
if hasGroup(h, group) then return false end
local before, items, bytes = beginning(h, atNew)
addConsumer(h, 'g', group, items, bytes, call('HINCRBY', META, 'made', 1))
local list, q = {}, { owner = false }
for _, field in ipairs(MARKS) do q[field] = 0 end
for p = 0, h.partitions - 1 do
  q.id, q.dispatched, q.done = groupOf(h, group) .. ':' .. p, before[p], before[p]
  list[2 * p + 1], list[2 * p + 2] = p, packMarks(q)
end
many('HSET', K .. 'g:' .. groupOf(h, group), list)
