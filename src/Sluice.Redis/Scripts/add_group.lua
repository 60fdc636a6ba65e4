local h, group, atNew = stream(arg()), arg(), arg()
if hasGroup(h, group) then return false end
needRoom(h, 1)
local made = call('HINCRBY', META, 'made', 1)
local items, bytes = beginAt(h, K .. 'g:' .. h.id .. ':' .. group .. '#' .. made, atNew)
addConsumer(h, 'g', group, items, bytes, made, atNew)
