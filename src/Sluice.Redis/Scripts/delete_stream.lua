lastStream = arg()
local h = find(lastStream)
if not h then return { sweepTrash(), 0 } end
consumers(h)
for group in pairs(h.groups) do dropGroup(h, group) end
for reader in pairs(h.readers) do call('UNLINK', K .. 'r:' .. h.id .. ':' .. reader) end
call('RPUSH', K .. 'trash', 's ' .. h.id .. ' ' .. h.partitions .. ' 0')
call('DEL', h.key)
call('ZREM', K .. 'streams', h.name)
streams[h.name] = false
changed(h.name)
return { sweepTrash(), 1 }
