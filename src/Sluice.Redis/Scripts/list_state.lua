local h, group, p, node, hasAfter, after, max = stream(arg()), arg(), num(), arg(), arg(), arg(), math.min(num(), 1000)
needGroup(h, group)
local q, rows, bytes = partition(h, group, p), {}, 0
local from = hasAfter == '1' and '(' .. node .. '\0' .. after or '[' .. node .. '\0'
for i, field in ipairs(call('ZRANGEBYLEX', K .. 'si:' .. q.id, from, '(' .. node .. '\1', 'LIMIT', 0, max)) do
  local value = call('HGET', K .. 'st:' .. q.id, field)
  sumOfState(q, field, value)
  rows[i], bytes = { string.sub(field, #node + 2), value }, bytes + #value
  if bytes > MOST_BYTES then break end
end
return rows
