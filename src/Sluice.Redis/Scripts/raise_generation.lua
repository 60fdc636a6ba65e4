-- bare: begins a new generation, also in place of a store that is gone. Arguments: the caller's id, the expected generation, a new id.
local v = redis.call('HMGET', KEYS[1], 'id', 'generation')
local id, generation, expected = v[1], tonumber(v[2]) or 0, tonumber(ARGV[2])
if not id then
  id = ARGV[3]
  redis.call('HSET', KEYS[1], 'id', id, 'form', 4)
end
if generation <= expected and (generation == expected or id ~= ARGV[1]) then
  generation = expected + 1
  redis.call('HSET', KEYS[1], 'generation', generation)
end
return { id, tostring(generation) }
