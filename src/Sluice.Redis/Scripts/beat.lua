-- A heartbeat, kept as "heartbeats:lease duration:instance". Of two instances under one name the second is refused, unless it replaces exactly what it has seen.
local h, group, member, instance, lease, silent, seen = stream(arg()), arg(), arg(), arg(), arg(), arg(), num()
needGroup(h, group)
local key = K .. 'm:' .. groupOf(h, group)
local present = call('HGET', key, member)
local beats, holder = 0, instance
if present then
  local n, name = string.match(present, '^(%d+):%d+:(.*)$')
  if not n then broken(key, member, h.name) end
  beats, holder = tonumber(n), name
end
if holder ~= instance and not (holder == silent and beats == seen) then return { 0, present } end
local now = digits(beats + 1) .. ':' .. lease .. ':' .. instance
call('HSET', key, member, now)
return { 1, now }
