local h, group, epoch = stream(arg()), arg(), num()
needGroup(h, group)
local key = K .. 'q:' .. groupOf(h, group)
if tonumber(call('HGET', key, 'epoch')) ~= epoch then return false end
call('HDEL', key, 'owner')
changed(h.name)
