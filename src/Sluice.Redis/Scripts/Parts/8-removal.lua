-- Removes what a group has; the stream's books are the caller's.
local function dropGroup(h, group)
  for p = 0, h.partitions - 1 do
    local id = h.name .. ':' .. group .. ':' .. p
    unreserve(partition(h, group, p))
    for _, kind in ipairs({ 'g', 'x', 'y', 'xo', 'xi', 'xs', 'due', 'e', 'v', 'st', 'si', 'f' }) do call('UNLINK', K .. kind .. ':' .. id) end
    held[id] = nil
  end
  for _, kind in ipairs({ 'm', 'q', 'd' }) do call('UNLINK', K .. kind .. ':' .. h.name .. ':' .. group) end
  call('HDEL', K .. 'b:' .. h.name, 'gi:' .. group, 'gb:' .. group)
  h.groups[group] = nil
end
