-- Raises the epoch, which voids every earlier owner at once, also those of earlier groups of this name (StoreRules.NextEpoch). What was in flight becomes suspect, in several calls if it is much (take_more).
-- What has anything to be verified is not taken before it was.
local h, group, p, member, expected, version, instance, known, isVerified = stream(arg()), arg(), num(), arg(), arg(), num(), arg(), num(), arg() == '1'
needGroup(h, group)
local q = partition(h, group, p)
if expected ~= '' and tonumber(expected) ~= q.epoch then return { 'changed', q.version } end
if q.version > version then return { 'newer', q.version } end
needMarks(q.l)
checkRows(q)
if not isVerified and hasSums(q) then return { 'verify' } end
local l, c = q.l, nil
local score = call('ZREVRANGE', l.index, 0, 0, 'WITHSCORES')[2]
if score then c = chunkOf(l, tonumber(score)) end
if c and (c.last > l.tail or (c.last == l.tail) ~= (c.before + c.bytes == l.sum)) then broken(K .. 'l:' .. h.id, p, h.name, p, 'contradicts ' .. l.index) end
if q.owner and q.taking == 0 then q.taking = instance ~= '' and q.instance == instance and 2 or 1 end
if q.taking > 0 and suspect(q) then q.taking = 0 end
unreserve(q.id)
q.epoch, q.owner, q.instance, q.knows = math.max(q.epoch, known, h.groups[group].rest * 1048576) + 1, member, instance, version
save(q)
trim(h, p)
return { 'taken', q.version, digits(q.epoch), digits(q.dispatched), digits(q.done), digits(q.commit), q.taking > 0 and 1 or 0, q.rows, call('HLEN', K .. 'f:' .. q.id) }
