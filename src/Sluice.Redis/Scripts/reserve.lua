local name, group, p, epoch, to, items, bytes = arg(), arg(), num(), num(), arg(), num(), num()
local h = stream(to)
local q = owned(name, group, p, epoch)
if not q or q.epoch ~= epoch or not q.owner then return 'stale' end
if h.ended then return 'ended' end
sweep(h)
if isFull(h, items, bytes) then return 'full' end
local i, b = string.match(call('HGET', K .. 'v:' .. q.id, to) or '0 0', '^(%d+) (%d+)$')
call('HSET', K .. 'v:' .. q.id, to, digits(i + items) .. ' ' .. digits(b + bytes))
reserve(h, items, bytes)
return 'reserved'
