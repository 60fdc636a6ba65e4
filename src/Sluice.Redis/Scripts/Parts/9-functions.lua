-- How a script becomes a function. A full memory refuses what adds entries before it begins; everything else may go on: it is what makes room.
local function register(name, addsEntries, body)
  redis.register_function({ function_name = name, callback = body, flags = addsEntries and {} or { 'allow-oom' } })
end

local function add(name, addsEntries, body)
  register(name, addsEntries, function(keys, args)
    begin(keys, args)
    return answer(body())
  end)
end

-- For what finds or makes the store itself: nothing is set but the keys and the arguments, nobody is told.
local function addBare(name, body)
  register(name, false, function(keys, args)
    needClean(redis.call('HGET', keys[1], 'clean'))
    return body(keys, args)
  end)
end
