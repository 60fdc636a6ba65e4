local h, group = stream(arg()), arg()
needGroup(h, group)
local of, ids, names = groupOf(h, group), {}, {}
call('ZCARD', K .. 'dn:' .. of)                -- of the right kind, before anything is written
for i = 1, num() do
  local id = arg()
  local v = letter(h, K .. 'd:' .. of, id)
  if v then
    local q = partition(h, group, v[1])
    checkRows(q)
    addOwn(q, { v[8], generation, v[10], v[11], v[12] })
    ids[#ids + 1], names[#names + 1] = id, letterName(v[3], id)
  end
end
removeLetters(of, ids, names)
if #ids > 0 then changed(h.name) end
return #ids
