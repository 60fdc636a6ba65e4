-- Dead letters: d: has them by number, dn: says which failed in a node, as "node\0number".
local LETTER_FORM = { 'number', 'number', 'string', 'string', 'string', 'number', 'number', 'string', nil, 'string', 'string', 'string' }

local function letterName(node, id) return node .. '\0' .. string.rep('0', 16 - #id) .. id end

local function openLetter(h, key, found)
  local isSound, v = pcall(cmsgpack.unpack, found[2][2] or '')
  isSound = isSound and type(v) == 'table'
  for i = 1, 12 do isSound = isSound and v[i] ~= nil and (not LETTER_FORM[i] or type(v[i]) == LETTER_FORM[i]) end
  if not isSound or v[1] < 0 or v[1] >= h.partitions then broken(key, found[1], h.name) end
  return v
end

-- A letter by its number; nil if it is not there.
local function letter(h, key, id)
  local found = call('XRANGE', key, id .. '-1', id .. '-1')[1]
  return found and openLetter(h, key, found) or nil
end

local function removeLetters(of, ids, names)
  for i, id in ipairs(ids) do ids[i] = id .. '-1' end
  many('XDEL', K .. 'd:' .. of, ids)
  many('ZREM', K .. 'dn:' .. of, names)
end

-- Removes the letters whose numbers come as arguments; `take` gets each of them first. The removed ones.
local function takeLetters(h, group, take)
  needGroup(h, group)
  local of, ids, names, seen = groupOf(h, group), {}, {}, {}
  call('ZCARD', K .. 'dn:' .. of)              -- of the right kind, before anything is written
  for i = 1, num() do
    local id = arg()
    local v = not seen[id] and letter(h, K .. 'd:' .. of, id)
    seen[id] = true
    if v then
      take(v)
      ids[#ids + 1], names[#names + 1] = id, letterName(v[3], id)
    end
  end
  removeLetters(of, ids, names)
  return ids
end
