local h = find(arg())
if not h then return false end
consumers(h)
for group in pairs(h.groups) do dropGroup(h, group) end
for reader in pairs(h.readers) do call('UNLINK', K .. 'r:' .. h.name .. ':' .. reader) end
for p = 0, h.partitions - 1 do
  for _, kind in ipairs({ 'l', 's', 'i' }) do call('UNLINK', K .. kind .. ':' .. h.name .. ':' .. p) end
end
for _, kind in ipairs({ 'h', 'b', 'p', 'pf', 'rx' }) do call('UNLINK', K .. kind .. ':' .. h.name) end
call('SREM', K .. 'streams', h.name)
changed(h.name)
