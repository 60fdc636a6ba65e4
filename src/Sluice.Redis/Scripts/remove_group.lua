lastStream = arg()
local h, group = find(lastStream), arg()
if not h or not hasGroup(h, group) then return { sweepTrash(), 0 } end
dropGroup(h, group)
trimAll(h)
return { sweepTrash(), 1 }
