local h, name = stream(arg()), arg()
local v = producerOf(h, name)
v[1] = v[1] + 1
call('HSET', K .. 'p:' .. h.id, name, cmsgpack.pack(v))
return { v[1], v[2], v[7] }
