-- Rows, and what is in flight for the first time, both behind a sequence and no more than asked for; who asked puts them in order.
local h, group, p, after, max = stream(arg()), arg(), num(), arg(), num()
needGroup(h, group)
local q = partition(h, group, p)
local rows, pieces, left = {}, {}, max
for i, text in ipairs(call('ZRANGEBYSCORE', K .. 'xo:' .. q.id, after == '' and '-inf' or '(' .. after, '+inf', 'LIMIT', 0, max)) do rows[i] = show(q, tonumber(text), true) end
inFlight(q, function(first, last)
  if after ~= '' then first = math.max(first, tonumber(after) + 1) end
  if first > last then return false end
  local found, taken = readPieces(q.l, first, math.min(left, last - first + 1), math.huge, true)
  for _, piece in ipairs(found) do
    piece[1] = digits(piece[1])
    pieces[#pieces + 1] = piece
  end
  left = left - taken
  return left <= 0
end)
return { rows, pieces }
