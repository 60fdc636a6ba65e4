local h, name = stream(arg()), arg()
local v = producerOf(h, name)
v[1], v[8] = v[1] + 1, false         -- it is known until its next append says otherwise
call('ZREM', K .. 'pf:' .. h.id, name)
call('HSET', K .. 'p:' .. h.id, name, cmsgpack.pack(v))
return { v[1], v[2], v[7] }
