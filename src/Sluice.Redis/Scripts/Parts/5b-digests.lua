-- What a digest is the sum of, besides ranges (4-partitions) and rows (4b-rows). st: has rows of state, each behind its version and its checksum, which the client makes; si: their names in order. f: has lengths of files,
-- each with its checksum.
local function readable(field) return (string.gsub(field, '%z', '/')) end

local function sumOfState(q, field, stored)
  if not stored or #stored < 10 then broken(K .. 'st:' .. q.id, readable(field), q.h.name, q.p) end
  return (struct.unpack('<I6', stored, 5))
end

local function fileLength(q, name, stored)
  return unseal('file ' .. name, stored) or broken(K .. 'f:' .. q.id, name, q.h.name, q.p)
end
local function sumOfFile(name, length) return sumOf('file ' .. name .. ' ' .. length) end

-- The checksums of what a commit is about to replace, by field.
local function sumsBefore(q, state, files)
  local sums, fields = { state = {}, files = {} }, {}
  for i, row in ipairs(state) do
    row.field = row[1] .. '\0' .. row[2]
    fields[i] = row.field
  end
  for from = 1, #fields, 500 do
    local found = call('HMGET', K .. 'st:' .. q.id, unpack(fields, from, math.min(from + 499, #fields)))
    for i, stored in ipairs(found) do sums.state[fields[from + i - 1]] = stored and sumOfState(q, fields[from + i - 1], stored) or 0 end
  end
  for _, file in ipairs(files) do
    local stored = call('HGET', K .. 'f:' .. q.id, file[1])
    sums.files[file[1]] = stored and sumOfFile(file[1], fileLength(q, file[1], stored)) or 0
  end
  return sums
end

local function storeState(q, state, sums)
  local gone, fields, kept, digest = {}, {}, {}, 0
  for _, row in ipairs(state) do
    local field, n, sum = row.field, #kept, 0
    if row[3] then
      kept[n + 1], kept[n + 2] = field, row[4]
      fields[n + 1], fields[n + 2] = 0, field
      sum = sumOfState(q, field, row[4])
    else gone[#gone + 1] = field end
    digest, sums.state[field] = (digest + sum - sums.state[field]) % SUMS, sum
  end
  many('HDEL', K .. 'st:' .. q.id, gone)
  many('ZREM', K .. 'si:' .. q.id, gone)
  many('HSET', K .. 'st:' .. q.id, kept)
  many('ZADD', K .. 'si:' .. q.id, fields)
  if #state > 0 then addSum(q, digest) end
end

local function storeFiles(q, files, sums)
  for _, file in ipairs(files) do
    local name, length, sum = file[1], file[2], 0
    if tonumber(length) < 0 then call('HDEL', K .. 'f:' .. q.id, name)
    else
      call('HSET', K .. 'f:' .. q.id, name, seal('file ' .. name, length))
      sum = sumOfFile(name, length)
    end
    addSum(q, sum - sums.files[name])
    sums.files[name] = sum
  end
end

-- Whether a partition has anything that its digest is about.
local function hasSums(q)
  return q.digest ~= 0 or q.rows > 0 or q.ranges > 0 or call('HLEN', K .. 'st:' .. q.id) > 0 or call('ZCARD', K .. 'si:' .. q.id) > 0 or call('HLEN', K .. 'f:' .. q.id) > 0
end
