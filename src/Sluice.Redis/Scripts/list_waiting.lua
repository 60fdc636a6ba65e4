-- A page of rows, and of what is in flight for the first time, both behind a sequence; who asked puts them in order. Both are whole up to the sequence that is told last, or to the end if none is.
local h, group, p, after, max = stream(arg()), arg(), num(), arg(), math.min(num(), MOST_MOVED)
needGroup(h, group)
local q = partition(h, group, p)
local rows, pieces, left, bytes, upTo = {}, {}, max, 0, math.huge
local found = call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, after == '' and '-inf' or '(' .. after, '+inf', 'LIMIT', 0, max)
for i, text in ipairs(found) do
  local sequence = member(q, text, K .. 'xo:' .. q.id, '^%-?%d+$')
  rows[i] = show(q, sequence, true)
  bytes = bytes + rowOf(q, sequence).length
  if i == max or bytes > MOST_BYTES then
    upTo = sequence
    break
  end
end
local stopped = inFlight(q, after ~= '' and tonumber(after) + 1 or 0, function(first, last)
  local found, taken, room = readPieces(q.l, first, math.min(left, last - first + 1), MOST_BYTES, true)
  for _, piece in ipairs(found) do
    piece[1] = digits(piece[1])
    pieces[#pieces + 1] = piece
  end
  if taken == 0 then gone(q.l, first) end
  left = left - taken
  if left <= 0 or taken < last - first + 1 then
    upTo = math.min(upTo, first + taken - 1)
    return true
  end
end)
if stopped and left > 0 then upTo = math.min(upTo, stopped) end
return { rows, pieces, upTo < math.huge and digits(upTo) or '' }
