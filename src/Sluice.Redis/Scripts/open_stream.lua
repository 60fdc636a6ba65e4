-- Makes a stream, or finds it.
local name, partitions, items, bytes, entry, keepAll = arg(), num(), arg(), arg(), arg(), arg()
lastStream = name
if not find(name) then makeStream(name, partitions, items, bytes, entry, keepAll) end
return streamInfo(stream(name), '', 0)
