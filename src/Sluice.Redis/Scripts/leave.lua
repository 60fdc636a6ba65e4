local h, group, member, instance = stream(arg()), arg(), arg(), arg()
needGroup(h, group)
local present = call('HGET', K .. 'm:' .. h.name .. ':' .. group, member)
if present and string.match(present, '^%d+:%d+:(.*)$') ~= instance then return end
call('HDEL', K .. 'm:' .. h.name .. ':' .. group, member)
local key = K .. 'q:' .. h.name .. ':' .. group
if call('HGET', key, 'owner') == member then call('HDEL', key, 'owner') end
changed(h.name)
