-- For a check, what is gone is told as pieces without records; a reader must not pass it.
local h, p, from, items, bytes, reader, isCheck = stream(arg()), num(), num(), math.min(num(), 4096), num(), arg(), arg() == '1'
local l = log(h, p)
needMarks(l)
if reader ~= '' and consumers(h).readers[reader] then useReader(h, reader, call('HGET', K .. 'r:' .. h.id .. ':' .. reader, 'expires')) end
sweep(h)
local pieces, first = {}, math.max(from, l.trimmed + 1)
if from <= l.tail + 1 then pieces = readPieces(l, first, items, bytes, true, isCheck) end
if #pieces == 0 and first <= l.tail then gone(l, first) end
for _, piece in ipairs(pieces) do piece[1] = digits(piece[1]) end
return { digits(l.tail), digits(l.trimmed), h.ended, pieces }
