local h, group, p, node = stream(arg()), arg(), num(), arg()
needGroup(h, group)
local q, rows = partition(h, group, p), {}
for i = 1, num() do
  local key = arg()
  local value = call('HGET', K .. 'st:' .. q.id, node .. '\0' .. key)
  if value and #value < 4 then broken(K .. 'st:' .. q.id, node .. '/' .. key, h.name, p) end
  if value then rows[#rows + 1] = { key, struct.unpack('<i4', value), string.sub(value, 5) } end
end
return rows
