-- A page: of all letters, or of those of a node.
local h, group, hasNode, node, after, max = stream(arg()), arg(), arg(), arg(), arg(), math.min(num(), 200)
needGroup(h, group)
local of, letters, bytes = groupOf(h, group), {}, 0
local key = K .. 'd:' .. of
local function show(id, v)
  letters[#letters + 1] = { id, v[1], digits(v[2]), v[3], v[4], v[5], v[6], digits(v[7]), v[8], v[9], v[10], v[11], v[12] }
  bytes = bytes + #v[10] + #v[11] + #v[12]
  return bytes > MOST_BYTES
end
if hasNode == '1' then
  for _, name in ipairs(call('ZRANGEBYLEX', K .. 'dn:' .. of, '(' .. letterName(node, after), '(' .. node .. '\1', 'LIMIT', 0, max)) do
    local id = string.match(name, '^0*(%d+)$', #node + 2) or broken(K .. 'dn:' .. of, name, h.name)
    local v = letter(h, key, id) or broken(key, id, h.name)
    if v[3] ~= node then broken(key, id, h.name) end
    if show(id, v) then break end
  end
else
  for _, found in ipairs(call('XRANGE', key, '(' .. after .. '-1', '+', 'COUNT', max)) do
    local id = string.match(found[1], '^(%d+)%-1$') or broken(key, found[1], h.name)
    if show(id, openLetter(h, key, found)) then break end
  end
end
return letters
