local h, group, member, expected = stream(arg()), arg(), arg(), num()
needGroup(h, group)
local key = K .. 'q:' .. groupOf(h, group)
local epoch = number(call('HGET', key, 'epoch') or '0', 0, key, 'epoch', h.name)
if epoch ~= expected then return 0 end
local now = digits(math.max(epoch, h.groups[group].rest * 1048576) + 1)         -- StoreRules.NextEpoch
call('HSET', key, 'owner', member, 'epoch', now)
return now
