-- What is told about streams and groups.
local function streamInfo(h)
  sweep(h)
  consumers(h)
  local items, bytes, groups, readers = h.storedItems, h.storedBytes, {}, {}
  for name, group in pairs(h.groups) do
    local waiting = 0
    for p = 0, h.partitions - 1 do
      local id = h.name .. ':' .. name .. ':' .. p
      local rows = call('HLEN', K .. 'x:' .. id)
      if rows > 0 then
        waiting = waiting + waitingRows(id)
        local behind = call('ZCOUNT', K .. 'xo:' .. id, '-inf', log(h, p).trimmed)
        items = items + behind
        bytes = bytes + math.floor((tonumber(call('HGET', K .. 'g:' .. id, 'rowBytes')) or 0) * behind / rows)
      end
    end
    groups[#groups + 1] = { name, group.i, waiting, call('XLEN', K .. 'd:' .. h.name .. ':' .. name) }
  end
  for name in pairs(h.readers) do readers[#readers + 1] = showReader(h, name) end
  return { h.name, h.partitions, call('HGET', h.key, 'items'), call('HGET', h.key, 'bytes'), h.entry, h.keepAll and 1 or 0, h.made, h.ended, items, bytes, groups, readers, h.appended }
end

local function groupInfo(h, group)
  local partitions = {}
  for p = 0, h.partitions - 1 do
    local id = h.name .. ':' .. group .. ':' .. p
    local v = call('HMGET', K .. 'g:' .. id, 'epoch', 'owner', 'version', 'dispatched', 'done')
    partitions[p + 1] = { tonumber(v[1]) or 0, v[2], tonumber(v[3]) or 0, log(h, p).tail, tonumber(v[4]), tonumber(v[5]), waitingRows(id) }
  end
  local quarantine = call('HMGET', K .. 'q:' .. h.name .. ':' .. group, 'owner', 'epoch')
  return { call('HGETALL', K .. 'm:' .. h.name .. ':' .. group), partitions, quarantine[1], tonumber(quarantine[2]) or 0 }
end
