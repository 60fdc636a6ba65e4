-- Makes a stream, or finds it.
local name, partitions, items, bytes, entry, keepAll = arg(), num(), arg(), arg(), arg(), arg()
if not find(name) then
  call('HSET', K .. 'h:' .. name, 'partitions', partitions, 'items', items, 'bytes', bytes, 'entry', entry, 'keepAll', keepAll, 'reservedItems', 0, 'reservedBytes', 0, 'storedItems', 0, 'storedBytes', 0,
    'appended', 0, 'consumers', 0, 'untrimmed', -1, 'made', call('HINCRBY', META, 'made', 1))
  call('ZADD', K .. 'streams', 0, name)
  streams[name] = nil
end
return streamInfo(stream(name), '', 0)
