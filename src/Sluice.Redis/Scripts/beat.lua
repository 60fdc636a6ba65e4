local h, group, member = stream(arg()), arg(), arg()
needGroup(h, group)
call('HINCRBY', K .. 'm:' .. h.name .. ':' .. group, member, 1)
return groupInfo(h, group)
