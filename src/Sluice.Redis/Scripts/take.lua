-- Raises the epoch, which voids every earlier owner at once.
local h, group, p, member, expected, version, instance = stream(arg()), arg(), num(), arg(), arg(), num(), arg()
needGroup(h, group)
local q = partition(h, group, p)
if expected ~= '' and tonumber(expected) ~= q.epoch then return { 'changed', q.version } end
if q.version > version then return { 'newer', q.version } end
if q.owner then suspect(q, instance ~= '' and call('HGET', q.key, 'instance') == instance) end
unreserve(q)
call('HSET', q.key, 'epoch', q.epoch + 1, 'owner', member, 'knows', version, 'instance', instance)
save(q)
trim(h, p)
local rows = {}
for i, text in ipairs(call('ZRANGE', K .. 'xo:' .. q.id, 0, -1)) do rows[i] = show(q, tonumber(text), false) end
return { 'taken', q.version, q.epoch + 1, q.dispatched, q.done, q.commit, rows, call('HGETALL', K .. 'f:' .. q.id) }
