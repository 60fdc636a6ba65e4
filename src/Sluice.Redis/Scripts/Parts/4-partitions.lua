-- What a group keeps of a partition. Its id is that of the stream, its name, and the number it was made with: "stream#made:group#made". g:group has the marks of all partitions, as numbers in the order of MARKS and
-- the owner and its instance, each behind a colon, and a checksum of all that; of a partition that nobody has taken since the group was made, the marks of its log at that moment. The digest is the sum of the checksums of its
-- ranges, rows, rows of state and lengths of files (5b-digests). Entries that left the order are rows (4-rows). e:… has ranges above `done` that have ended.
local MARKS = { 'rows', 'flight', 'ranges', 'epoch', 'version', 'knows', 'dispatched', 'done', 'commit', 'commitEpoch', 'own', 'rowBytes', 'taking', 'digest' }
local MARKS_FORM = '^(%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (%-?%d+) (:?%S*)$'      -- all of them
local STEPS = 1000                               -- over how many entries one call goes at most

local function hasGroup(h, group) return consumers(h).groups[group] ~= nil end
local function needGroup(h, group) return hasGroup(h, group) or fail('NOGROUP', group .. ' ' .. h.name) end
local function groupOf(h, group) return h.id .. ':' .. group .. '#' .. h.groups[group].rest end

-- When a group was paused, nil if it is not; and whether that is a drain, as 1 or 0. Versions without drains end the pause and leave its time in
-- 'draining', which then is the time of no pause.
local function pausedAt(h, group)
  local key = K .. 'q:' .. groupOf(h, group)
  local times = call('HMGET', key, 'paused', 'draining')
  if not times[1] then return nil, 0 end
  return number(times[1], 0, key, 'paused', h.name), times[1] == times[2] and 1 or 0
end

local function packMarks(q)
  local list = {}
  for i, field in ipairs(MARKS) do list[i] = digits(q[field]) end
  list[#list + 1] = q.owner and ':' .. q.owner .. ':' .. q.instance or ''
  return seal(q.id, table.concat(list, ' '))
end

-- The last sequence before a consumer in a partition where it has not moved: what it has of it are the marks of the log as they were when it was made.
local function before(h, consumer, p, text, key)
  local tail, trimmed = readLog(h.id .. ':' .. p, p, text)
  return tail and (consumer.isNew and tail or trimmed) or broken(key, p, h.name, p)
end

local function openPartition(h, group, p, text)
  local of = groupOf(h, group)
  local q = { h = h, group = group, p = p, l = log(h, p), of = of, id = of .. ':' .. p, key = K .. 'g:' .. of, cache = {}, changes = {} }
  local values
  if isLogText(text) then
    local first = before(h, h.groups[group], p, text, q.key)
    values = { 0, 0, 0, 0, 0, 0, first, first, 0, 0, 0, 0, 0, 0, '' }
  else
    values = { string.match(unseal(q.id, text) or '', MARKS_FORM) }
    if #values ~= #MARKS + 1 then broken(q.key, p, h.name, p) end
  end
  for i, field in ipairs(MARKS) do q[field] = tonumber(values[i]) end
  local owner = values[#values]
  q.owner, q.instance = string.match(owner, '^:([^:]*):([^:]*)$')
  if not q.owner and owner ~= '' then broken(q.key, p, h.name, p) end
  q.owner = q.owner or false
  if q.done < q.l.trimmed or q.done > q.dispatched or q.dispatched > q.l.tail or q.flight < 0 or q.flight > q.rows or q.ranges < 0 or q.epoch < 0 or q.commit < 0 or q.own > 0 or q.epoch > LARGEST or q.commit > LARGEST
  then broken(q.key, p, h.name, p, 'its numbers contradict each other or those of ' .. K .. 'l:' .. h.id) end
  if q.rows > 0 and call('HLEN', K .. 'x:' .. q.id) ~= q.rows then broken(K .. 'x:' .. q.id, 'count', h.name, p) end
  if q.ranges > 0 and call('ZCARD', K .. 'e:' .. q.id) ~= q.ranges then broken(K .. 'e:' .. q.id, 'count', h.name, p) end
  held[q.id] = q
  return q
end

local function partition(h, group, p)
  local l = log(h, p)
  local of = groupOf(h, group)
  return held[of .. ':' .. p] or openPartition(h, group, p, call('HGET', K .. 'g:' .. of, p))
end

local function save(q) q.dirty = true end

-- Something was added to what a partition has, or taken from it.
local function addSum(q, sum) q.digest, q.dirty = (q.digest + sum) % SUMS, true end

-- The partition of an ownership; nil if somebody else has taken it since, or the group is gone.
local function owned(name, group, p, epoch)
  lastStream = name
  local h = find(name)
  if not h or not hasGroup(h, group) then return nil end
  local q = partition(h, group, p)
  -- One of an earlier group of this name is void (StoreRules.CheckEpoch).
  if epoch > q.epoch and (q.epoch > 0 or epoch > h.groups[group].rest * 1048576) then fail('BACKOWNER', digits(q.epoch) .. ' ' .. digits(epoch) .. ' ' .. p .. ' ' .. group .. ' ' .. name) end
  return q
end

local function rangeOf(q, member)
  local first, last = string.match(member, '^(%d+):(%d+)$')
  first, last = tonumber(first), tonumber(last)
  if not first or first > last then broken(K .. 'e:' .. q.id, member, q.h.name, q.p) end
  return first, last
end

local function addRange(q, first, last)
  local member = digits(first) .. ':' .. digits(last)
  call('ZADD', K .. 'e:' .. q.id, first, member)
  addSum(q, sumOf('range ' .. member))
  q.ranges, q.dirty = q.ranges + 1, true
end

local function removeRange(q, member)
  call('ZREM', K .. 'e:' .. q.id, member)
  addSum(q, -sumOf('range ' .. member))
  q.ranges, q.dirty = q.ranges - 1, true
end

-- The next range of ended entries from a sequence on, in the direction of a command.
local function nextEnded(q, command, sequence, limit)
  if q.ranges == 0 then return nil end
  local member = call(command, K .. 'e:' .. q.id, sequence, limit, 'LIMIT', 0, 1)[1]
  if not member then return nil end
  local first, last = rangeOf(q, member)
  return first, last, member
end

-- The range of ended entries that has a sequence, or the first one behind it.
local function endedAt(q, sequence)
  local first, last, member = nextEnded(q, 'ZREVRANGEBYSCORE', sequence, '-inf')
  if first and sequence <= last then return first, last, member end
  return nil
end

local function endedFrom(q, sequence) return nextEnded(q, 'ZRANGEBYSCORE', sequence, '+inf') end

local function addEnded(q, first, last)
  local f, l, member = endedAt(q, first - 1)
  if f then
    removeRange(q, member)
    first = f
  end
  f, l, member = endedFrom(q, last + 1)
  if f == last + 1 then
    removeRange(q, member)
    last = l
  end
  addRange(q, first, last)
end
