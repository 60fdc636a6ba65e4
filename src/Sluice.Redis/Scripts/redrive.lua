local h, group = stream(arg()), arg()
needGroup(h, group)
local key, redriven = K .. 'd:' .. h.name .. ':' .. group, 0
for i = 1, num() do
  local id = arg() .. '-1'
  local found = call('XRANGE', key, id, id)[1]
  if found then
    local v = cmsgpack.unpack(found[2][2])
    local q = partition(h, group, v[1])
    call('XDEL', key, id)
    addOwn(q, { v[8], generation, v[10], v[11], v[12] })
    save(q)
    redriven = redriven + 1
  end
end
if redriven > 0 then changed(h.name) end
return redriven
