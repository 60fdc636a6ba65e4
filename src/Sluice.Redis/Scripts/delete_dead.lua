local h, group = stream(arg()), arg()
needGroup(h, group)
local deleted = 0
for i = 1, num() do deleted = deleted + call('XDEL', K .. 'd:' .. h.name .. ':' .. group, arg() .. '-1') end
return deleted
