local h, name = stream(arg()), arg()
local packed = call('HGET', K .. 'p:' .. h.name, name)
local v = packed and cmsgpack.unpack(packed) or { 0, 0, 0, -1, 0, 0, '' }
v[1] = v[1] + 1
call('HSET', K .. 'p:' .. h.name, name, cmsgpack.pack(v))
return { v[1], v[2], v[7] }
