-- A page of the names behind one, among those that begin with a prefix.
local prefix, after = arg(), arg()
return call('ZRANGEBYLEX', K .. 'streams', after == '' and '[' .. prefix or '(' .. after, prefix == '' and '+' or '(' .. prefix .. '\255', 'LIMIT', 0, 1000)
