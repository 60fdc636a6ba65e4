-- What is removed is gone at once for everybody, as its id is used no more. Its keys wait in a list, "kind id partitions next", and are deleted some at a time.
local KINDS = { 'x', 'y', 'xo', 'xi', 'xs', 'due', 'e', 'v', 'st', 'si', 'f' }

local function dropGroup(h, group)
  call('RPUSH', K .. 'trash', 'g ' .. groupOf(h, group) .. ' ' .. h.partitions .. ' 0')
  for id, q in pairs(held) do if q.h == h and q.group == group then held[id] = nil end end
  removeConsumer(h, 'g', group)
end

local function unlink(id, kinds)
  local keys = {}
  for i, kind in ipairs(kinds) do keys[i] = K .. kind .. ':' .. id end
  call('UNLINK', unpack(keys))
end

-- Deletes some keys of what was removed; whether there are more.
local function sweepTrash()
  local most, key = 250, K .. 'trash'                               -- partitions, and reserved places in streams
  for _ = 1, most do
    local text = call('LINDEX', key, 0)
    if not text then return 0 end
    local kind, id, partitions, from = string.match(text, '^([gs]) (%S+) (%d+) (%d+)$')
    partitions, from = tonumber(partitions), tonumber(from)
    if not kind or partitions > MOST_PARTITIONS then broken(key, text) end
    local to = from
    while to < partitions and most > 0 do
      if kind == 'g' then most = most - unreserve(id .. ':' .. to) end
      unlink(id .. ':' .. to, kind == 'g' and KINDS or { 's', 'i' })
      to, most = to + 1, most - 1
    end
    most = most - 1
    if to == partitions then
      unlink(id, kind == 'g' and { 'g', 'm', 'q', 'd', 'dn' } or { 'l', 'b', 'p', 'pf', 'rx' })
      call('LPOP', key)
    else call('LSET', key, 0, kind .. ' ' .. id .. ' ' .. partitions .. ' ' .. to) end
    if most <= 0 then break end
  end
  return call('LLEN', key) > 0 and 1 or 0
end
