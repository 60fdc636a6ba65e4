-- How a script becomes a function. A full memory refuses what adds entries before it begins; everything else may go on: it is what makes room.
local function register(name, addsEntries, body)
  redis.register_function({ function_name = name, callback = body, flags = addsEntries and {} or { 'allow-oom' } })
end

-- A failure because of a stored form that Sluice does not write names the stream and the partition.
local function checked(body)
  local isDone, result = pcall(body)
  if isDone then return result end
  local text = type(result) == 'table' and result.err or tostring(result)
  if string.find(text, 'non local key', 1, true) then error({ err = 'TRYAGAIN the slot of the store is being moved' }) end
  local code = string.match(text, '^(%u+) ')
  if not code or code == 'WRONGTYPE' or (code == 'ERR' and not string.find(text, 'permission') and not string.find(text, 'user executing') and not string.find(text, 'killed')) then
    broken(lastKey, nil, nil, nil, text)
  end
  error({ err = text })
end

local function add(name, addsEntries, body)
  register(name, addsEntries, function(keys, args)
    return checked(function()
      begin(keys, args)
      return answer(body())
    end)
  end)
end

-- For functions that find or make the store itself: the store may not exist yet, so begin cannot read its clock and generation. The body has only the keys and the arguments, and services that wait for changes get no message.
local function addBare(name, body)
  register(name, false, function(keys, args)
    return checked(function()
      lastStream, lastPartition = nil, nil
      needClean(call('HGET', keys[1], 'clean'))
      return body(keys, args)
    end)
  end)
end
