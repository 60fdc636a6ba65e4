local name, group, p, epoch = arg(), arg(), num(), num()
local q = owned(name, group, p, epoch)
if not q or q.epoch ~= epoch or not q.owner then return 0 end
giveBack(q)
save(q)
call('HDEL', q.key, 'owner')
unreserve(q)
changed(name)
return 1
