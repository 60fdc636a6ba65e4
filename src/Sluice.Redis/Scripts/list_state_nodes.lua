local h, group, p, hasAfter, after, max, counted = stream(arg()), arg(), num(), arg(), arg(), num(), arg()
needGroup(h, group)
local q, nodes = partition(h, group, p), {}
local index, from = K .. 'si:' .. q.id, hasAfter == '1' and '(' .. after .. '\1' or '-'
-- From one node to the next: how many rows they have does not matter.
while #nodes < max do
  local field = call('ZRANGEBYLEX', index, from, '+', 'LIMIT', 0, 1)[1]
  if not field then break end
  local node = string.match(field, '^(%Z*)%z') or field
  nodes[#nodes + 1] = { node, counted == '1' and call('ZLEXCOUNT', index, '[' .. node .. '\0', '(' .. node .. '\1') or 0 }
  from = '(' .. node .. '\1'
end
return nodes
