local h, group = stream(arg()), arg()
needGroup(h, group)
local of, ids, names = groupOf(h, group), {}, {}
call('ZCARD', K .. 'dn:' .. of)                -- of the right kind, before anything is written
for i = 1, num() do
  local id = arg()
  local v = letter(h, K .. 'd:' .. of, id)
  if v then ids[#ids + 1], names[#names + 1] = id, letterName(v[3], id) end
end
removeLetters(of, ids, names)
return #ids
