local h, p, from, items, bytes, reader = stream(arg()), num(), num(), math.min(num(), 4096), num(), arg()
local l = log(h, p)
needMarks(l)
if reader ~= '' and consumers(h).readers[reader] then useReader(h, reader, call('HGET', K .. 'r:' .. h.id .. ':' .. reader, 'expires')) end
sweep(h)
local pieces = {}
if from <= l.tail + 1 then pieces = readPieces(l, math.max(from, l.trimmed + 1), items, bytes, true) end
for _, piece in ipairs(pieces) do piece[1] = digits(piece[1]) end
return { digits(l.tail), digits(l.trimmed), h.ended, pieces }
