-- Resumes a group (0), pauses it (1) or drains it (2). The pause is the time of its begin, beside the quarantine of the group; a drain has it twice.
local h, group, how = stream(arg()), arg(), num()
needGroup(h, group)
local paused, draining = pausedAt(h, group)
if (how == 0 and not paused) or (how == 1 and paused) or (how == 2 and draining == 1) then return 0 end
local key, now = K .. 'q:' .. groupOf(h, group), digits(stamp())
if how == 0 then call('HDEL', key, 'paused', 'draining')
elseif how == 1 then call('HSET', key, 'paused', now)
else call('HSET', key, 'paused', now, 'draining', now) end
changed(h.name)
return 1
