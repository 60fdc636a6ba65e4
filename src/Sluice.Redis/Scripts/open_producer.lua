local h, name = stream(arg()), arg()
local v = producerOf(h, name)
v[1] = v[1] + 1
storeProducer(h, name, v)
return { v[1], v[2], v[7] }
