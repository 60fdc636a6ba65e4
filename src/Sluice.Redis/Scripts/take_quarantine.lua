local h, group, member, expected = stream(arg()), arg(), arg(), num()
needGroup(h, group)
local key = K .. 'q:' .. h.name .. ':' .. group
local epoch = tonumber(call('HGET', key, 'epoch')) or 0
if epoch ~= expected then return 0 end
call('HSET', key, 'owner', member, 'epoch', epoch + 1)
return epoch + 1
