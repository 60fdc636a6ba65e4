local h, group = find(arg()), arg()
if not h or not hasGroup(h, group) then return false end
dropGroup(h, group)
for p = 0, h.partitions - 1 do trim(h, p) end
changed(h.name)
