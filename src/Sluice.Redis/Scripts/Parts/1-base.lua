-- What every script begins with: its arguments, the store's clock, and what is told to those who wait.
local call = redis.call
local K = string.sub(KEYS[1], 1, -5)                    -- KEYS[1] is the key "meta"
local nextArgument = 2
local function arg() nextArgument = nextArgument + 1 return ARGV[nextArgument] end
local function num() return tonumber(arg()) end
local function digits(n) return string.format('%.0f', n) end    -- `..` would round above 1e14

local meta = call('HMGET', KEYS[1], 'id', 'generation', 'time', 'clean')
if meta[1] ~= ARGV[2] then fail('GONE') end
if not isThisRun(meta[4]) then fail('UNCLEAN') end
local generation, stored = tonumber(meta[2]), tonumber(meta[3]) or 0
local now = math.max(tonumber(ARGV[1]), stored)         -- in microseconds

-- Whoever stores a time calls this first: no later opening may see an earlier one.
local function stamp()
  if now > stored then
    call('HSET', KEYS[1], 'time', now)
    stored = now
  end
  return now
end

local touched = {}
local function changed(name) touched[name] = true end
local function publish() for name in pairs(touched) do call('PUBLISH', K .. 'changes', name) end end
