-- Pauses a group or resumes it. The pause is the time of its begin, beside the quarantine of the group.
local h, group, pause = stream(arg()), arg(), num() == 1
needGroup(h, group)
if (pausedAt(h, group) ~= nil) == pause then return 0 end
local key = K .. 'q:' .. groupOf(h, group)
if pause then call('HSET', key, 'paused', digits(stamp())) else call('HDEL', key, 'paused') end
changed(h.name)
return 1
