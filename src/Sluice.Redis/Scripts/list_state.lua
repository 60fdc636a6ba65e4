local h, group, p, node, hasAfter, after, max = stream(arg()), arg(), num(), arg(), arg(), arg(), num()
needGroup(h, group)
local q, rows = partition(h, group, p), {}
local from = hasAfter == '1' and '(' .. node .. '\0' .. after or '[' .. node .. '\0'
for i, field in ipairs(call('ZRANGEBYLEX', K .. 'si:' .. q.id, from, '(' .. node .. '\1', 'LIMIT', 0, max)) do
  local value = call('HGET', K .. 'st:' .. q.id, field)
  rows[i] = { string.sub(field, #node + 2), struct.unpack('<i4', value), string.sub(value, 5) }
end
return rows
