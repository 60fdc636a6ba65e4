-- Makes a stream, or finds it.
local name, partitions, items, bytes, entry, keepAll = arg(), num(), arg(), arg(), arg(), arg()
if not find(name) then
  local made = call('HINCRBY', META, 'made', 1)
  call('HSET', K .. 'h:' .. name, 'partitions', partitions, 'items', items, 'bytes', bytes, 'entry', entry, 'keepAll', keepAll, 'reservedItems', 0, 'reservedBytes', 0, 'storedItems', 0, 'storedBytes', 0,
    'appended', 0, 'consumers', 0, 'untrimmed', -1, 'made', made)
  local marks = {}
  for p = 0, partitions - 1 do marks[2 * p + 1], marks[2 * p + 2] = p, NEW_LOG end
  many('HSET', K .. 'l:' .. name .. '#' .. made, marks)
  call('ZADD', K .. 'streams', 0, name)
  streams[name] = nil
end
return streamInfo(stream(name), '', 0)
