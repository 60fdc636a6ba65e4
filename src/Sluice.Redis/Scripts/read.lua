local h, p, from, items, bytes, reader = stream(arg()), num(), num(), num(), num(), arg()
local l = log(h, p)
if reader ~= '' and consumers(h).readers[reader] then useReader(h, reader, call('HGET', K .. 'r:' .. h.name .. ':' .. reader, 'expires')) end
sweep(h)
local pieces = {}
if from <= l.tail + 1 then pieces = readPieces(l, math.max(from, l.trimmed + 1), items, bytes, true) end
for _, piece in ipairs(pieces) do piece[1] = digits(piece[1]) end
return { l.tail, l.trimmed, h.ended, pieces }
