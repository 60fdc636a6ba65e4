-- Answers whether the ownership was good; 2 if there is more to give back, for which the owner asks again.
local name, group, p, epoch = arg(), arg(), num(), num()
local q = owned(name, group, p, epoch)
if not q or q.epoch ~= epoch or not q.owner then return 0 end
save(q)
if q.taking == 0 and not giveBack(q) then return 2 end
q.owner = false
unreserve(q.id)
changedAt(name, p)
return 1
