local h, name = stream(arg()), arg()
local v = producerOf(h, name)
v[1], v[8] = v[1] + 1, false                     -- it is known until its next append says otherwise
call('ZREM', K .. 'pf:' .. h.id, name)
storeProducer(h, name, v)
return { v[1], v[2], v[7] }
