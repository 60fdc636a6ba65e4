-- A page of the rows of a partition, without their payloads.
local h, group, p, after = stream(arg()), arg(), num(), arg()
needGroup(h, group)
local q, rows, bytes = partition(h, group, p), {}, 0
for i, text in ipairs(call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, after == '' and '-inf' or '(' .. after, '+inf', 'LIMIT', 0, 500)) do
  local sequence = member(q, text, K .. 'xo:' .. q.id, '^%-?%d+$')
  rows[i], bytes = show(q, sequence, false), bytes + rowOf(q, sequence).length
  if bytes > 4 * MOST_BYTES then break end
end
return rows
