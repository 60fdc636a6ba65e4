-- Adds up what a partition has, some of it in a call: ranges (e), then rows (x), then state (s); the caller adds the files. Answers the digest of the last commit, the sum of what was looked at, how many retries and suspects
-- that has, how many the indexes have, how many files there are, and which part goes on behind what; none if that was all.
local h, group, p, part, after = stream(arg()), arg(), num(), arg(), arg()
needGroup(h, group)
local q = partition(h, group, p)
checkRows(q)
local sum, retrying, suspects, looked = 0, 0, 0, 0
local function add(more) sum, looked = (sum + more) % SUMS, looked + 1 end

local function ranges(from)
  local key, last = K .. 'e:' .. q.id, q.done
  local found = call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, STEPS)
  for i = 1, #found, 2 do
    local first, to = rangeOf(q, found[i])
    if tonumber(found[i + 1]) ~= first or first <= last or to > q.l.tail then broken(key, found[i], h.name, p) end
    last = to
    add(sumOf('range ' .. found[i]))
  end
  return #found == 2 * STEPS and found[#found]
end

local function verifyRow(text, score)
  local sequence = member(q, text, K .. 'xo:' .. q.id, '^%-?%d+$')
  if tonumber(score) ~= sequence then broken(K .. 'xo:' .. q.id, text, h.name, p) end
  local row = needRowOf(q, sequence, 'xo:')
  local index, isRetry = INDEX[row.state], row.state == RETRYING
  local at = index and call('ZSCORE', K .. index .. q.id, isRetry and dueMember(sequence) or text)
  if index and tonumber(at or '') ~= (isRetry and row.due or sequence) then broken(K .. index .. q.id, text, h.name, p) end
  if call('HEXISTS', K .. 'y:' .. q.id, text) == 0 then broken(K .. 'y:' .. q.id, text, h.name, p) end
  if isRetry then retrying = retrying + 1 elseif row.state == SUSPECT then suspects = suspects + 1 end
  add(row.sum)
end

local function rows(from)
  local found = call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, from, '+inf', 'WITHSCORES', 'LIMIT', 0, MOST_MOVED)
  for i = 1, #found, 2 do verifyRow(found[i], found[i + 1]) end
  return #found == 2 * MOST_MOVED and found[#found]
end

local function states(from)
  local index, count = K .. 'si:' .. q.id, call('HLEN', K .. 'st:' .. q.id)
  -- All of one score, or they are in another order.
  if call('ZCARD', index) ~= count or call('ZCOUNT', index, 0, 0) ~= count then broken(index, 'count', h.name, p) end
  local fields, bytes, at = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, STEPS), 0, 1
  while at <= #fields and bytes < MOST_BYTES do
    local to = math.min(at + 15, #fields)
    for i, stored in ipairs(call('HMGET', K .. 'st:' .. q.id, unpack(fields, at, to))) do
      add(sumOfState(q, fields[at + i - 1], stored))
      bytes = bytes + #stored
    end
    at = to + 1
  end
  return (at <= #fields or #fields == STEPS) and fields[at - 1]
end

local parts = { e = { ranges, 'x', '-inf' }, x = { rows, 's', '-inf' }, s = { states, '', '-' } }
while part ~= '' and looked < MOST_MOVED do
  local one = parts[part]
  after = one[1](after == '' and one[3] or '(' .. after) or ''
  if after == '' then part = one[2] end
end
return { digits(q.digest), digits(sum), retrying, suspects, call('ZCARD', K .. 'due:' .. q.id), call('ZCARD', K .. 'xs:' .. q.id), call('HLEN', K .. 'f:' .. q.id), part, after }
