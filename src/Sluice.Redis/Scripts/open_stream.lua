-- Makes a stream, or finds it.
local name, partitions, items, bytes, entry, keepAll = arg(), num(), arg(), arg(), arg(), arg()
if not find(name) then
  call('HSET', K .. 'h:' .. name, 'partitions', partitions, 'items', items, 'bytes', bytes, 'entry', entry, 'keepAll', keepAll,
    'made', call('HINCRBY', META, 'made', 1))
  call('SADD', K .. 'streams', name)
  streams[name] = nil
end
return streamInfo(stream(name))
