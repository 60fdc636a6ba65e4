local h, group, member, instance = stream(arg()), arg(), arg(), arg()
needGroup(h, group)
local of = groupOf(h, group)
local present = call('HGET', K .. 'm:' .. of, member)
if present and string.match(present, '^%d+:%d+:(.*)$') ~= instance then return end
call('HDEL', K .. 'm:' .. of, member)
if call('HGET', K .. 'q:' .. of, 'owner') == member then call('HDEL', K .. 'q:' .. of, 'owner') end
changed(h.name)
