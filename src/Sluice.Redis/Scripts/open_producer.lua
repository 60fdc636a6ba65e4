local h, name = stream(arg()), arg()
local v = producerOf(h, name)
v[1], v[8] = math.max(v[1], h.made * 1048576) + 1, false     -- StoreRules.NextEpoch; it is known until its next append says otherwise
call('ZREM', K .. 'pf:' .. h.id, name)
storeProducer(h, name, v)
return { digits(v[1]), v[2], v[7] }
