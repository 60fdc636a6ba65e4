-- A page of the lengths of a partition's files, as HSCAN gives it.
local h, group, p, cursor = stream(arg()), arg(), num(), arg()
needGroup(h, group)
return call('HSCAN', K .. 'f:' .. partition(h, group, p).id, cursor, 'COUNT', 500)
