local h, group, member = stream(arg()), arg(), arg()
needGroup(h, group)
call('HDEL', K .. 'm:' .. h.name .. ':' .. group, member)
local key = K .. 'q:' .. h.name .. ':' .. group
if call('HGET', key, 'owner') == member then call('HDEL', key, 'owner') end
changed(h.name)
