local h, group, p, node = stream(arg()), arg(), num(), arg()
needGroup(h, group)
local q, rows = partition(h, group, p), {}
for i = 1, num() do
  local key = arg()
  local value = call('HGET', K .. 'st:' .. q.id, node .. '\0' .. key)
  if value then rows[#rows + 1] = { key, value } end
end
return rows
