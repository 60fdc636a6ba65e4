-- bare: makes the store, or finds it. Arguments: a new id. Says also whether the user may tell those who wait of changes.
local v = redis.call('HMGET', KEYS[1], 'id', 'generation', 'time', 'form')
if not v[1] then
  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'generation', 1, 'form', 4)
  v = { ARGV[1], '1', '0', '4' }
end
local channel = string.sub(KEYS[1], 1, -5) .. 'changes'
local isKnown, mayPublish = pcall(redis.acl_check_cmd, 'PUBLISH', channel, '')
return { v[1], v[2], v[3] or '0', v[4] or '0', isKnown and not mayPublish and 0 or 1 }
