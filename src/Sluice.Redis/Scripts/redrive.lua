local h, group = stream(arg()), arg()
local ids = takeLetters(h, group, function(v)
  local q = partition(h, group, v[1])
  checkRows(q)
  addOwn(q, { v[8], generation, v[10], v[11], v[12] })
end)
if #ids > 0 then changed(h.name) end
return #ids
