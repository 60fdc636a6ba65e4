local name, group, p, epoch, to, items, bytes = arg(), arg(), num(), num(), arg(), num(), num()
local h = stream(to)
local q = owned(name, group, p, epoch)
if not q or q.epoch ~= epoch or not q.owner then return 'stale' end
if h.ended then return 'ended' end
sweep(h)
if isFull(h, items, bytes) then return 'full' end
local text = call('HGET', K .. 'v:' .. q.id, to)
local i, b, made = string.match(text or '0 0 0', '^(%d+) (%d+) (%d+)$')
if not i then broken(K .. 'v:' .. q.id, to, name, p) end
if tonumber(made) ~= h.made then i, b = 0, 0 end
if not text and call('HLEN', K .. 'v:' .. q.id) >= MOST_RESERVED then fail('TOOMANYOUTPUTS', MOST_RESERVED .. ' ' .. name) end
call('HSET', K .. 'v:' .. q.id, to, digits(i + items) .. ' ' .. digits(b + bytes) .. ' ' .. digits(h.made))
reserve(h, items, bytes)
return 'reserved'
