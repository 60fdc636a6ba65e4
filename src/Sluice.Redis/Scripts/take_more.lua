-- Goes on with what a taking has begun. Answers like it.
local name, group, p, epoch = arg(), arg(), num(), num()
local q = owned(name, group, p, epoch)
if not q or q.epoch ~= epoch or not q.owner then return { 'changed', q and q.version or 0 } end
if q.taking > 0 and suspect(q) then q.taking = 0 end
save(q)
trim(q.h, p)
return { 'taken', q.version, digits(q.epoch), digits(q.dispatched), digits(q.done), digits(q.commit), q.taking > 0 and 1 or 0, q.rows, call('HLEN', K .. 'f:' .. q.id) }
