local h, group = find(arg()), arg()
if h and hasGroup(h, group) then
  dropGroup(h, group)
  trimAll(h)
end
return sweepTrash()
