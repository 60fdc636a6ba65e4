-- Counters of batches, and the marker that the store writes when one is complete: the only record that is made here, checksum (CRC-32C) included.
local function takeBatches()
  local batches = {}
  for i = 1, num() do
    local b = { name = arg(), accepted = num(), ended = num(), failed = num(), close = num(), headers = arg(), streams = {} }
    for j = 1, num() do b.streams[j] = arg() end
    batches[i] = b
  end
  return batches
end

local BATCH = { 'accepted', 'ended', 'failed', 'closed' }

-- Where the marker of a batch that is complete will stand can be appended to; several of one call stand in different partitions.
local checkMarkers
do
  local function checkMarker(name)
    local h = find(name)
    if not h or (h.ended and string.find(h.ended, '^F')) then return end
    h.markers = (h.markers or number(call('HGET', h.key, 'markers') or '0', 0, h.key, 'markers', name)) + 1
    openParts(h, { { h.markers % h.partitions } })
  end

  function checkMarkers(batches)
    local known = {}
    for _, b in ipairs(batches) do
      b.key = K .. 'bt:' .. b.name
      local v = known[b.name]
      if not v then
        v = call('HMGET', b.key, unpack(BATCH))
        for i, field in ipairs(BATCH) do v[i] = number(v[i] or '0', -LARGEST, b.key, field) end
        known[b.name], v.left, v.closed = v, v[1] - v[2], v[4]
      end
      b.counts, v.left, v.closed = v, v.left + b.accepted - b.ended, v.closed + b.close
      if v.closed > 0 and v.left == 0 then for _, name in ipairs(b.streams) do checkMarker(name) end end
    end
  end
end

-- A library has two hundred local names at most; what only one function needs stands in a block with it.
local countBatches
do
  local function crc32c(text)
    local crc = 0xffffffff
    for i = 1, #text do
      crc = bit.bxor(crc, string.byte(text, i))
      for _ = 1, 8 do
        local low = bit.band(crc, 1)
        crc = bit.rshift(crc, 1)
        if low == 1 then crc = bit.bxor(crc, 0x82f63b78) end
      end
    end
    crc = bit.bnot(crc)
    return crc < 0 and crc + 4294967296 or crc
  end

  local function int64(n) return struct.pack('<I4I4', n % 4294967296, math.floor(n / 4294967296)) end

  -- A marker for a stream that has failed or is gone is dropped. One that is complete may have consumers at work. The batches were checked before.
  function countBatches(batches)
    for _, b in ipairs(batches) do
      local v = b.counts
      for i, more in ipairs({ b.accepted, b.ended, b.failed, b.close }) do v[i] = v[i] + more end
      local accepted, ended, failed = v[1], v[2], v[3]
      if v[4] > 0 and accepted == ended then
        call('DEL', b.key)
        for i = 1, #v do v[i] = 0 end
        local rest = int64(0) .. struct.pack('<I4I4I4', 0, 0, #b.headers) .. b.headers .. int64(accepted) .. int64(ended) .. int64(failed)
        local record = struct.pack('<I4I4', #rest, crc32c(rest)) .. rest
        for _, name in ipairs(b.streams) do
          local h = find(name)
          if h and not (h.ended and string.find(h.ended, '^F')) then append(h, { { call('HINCRBY', h.key, 'markers', 1) % h.partitions, 1, #record - 28, record } }) end
        end
      else
        call('HSET', b.key, 'accepted', digits(v[1]), 'ended', digits(v[2]), 'failed', digits(v[3]), 'closed', digits(v[4]))
      end
    end
  end
end
