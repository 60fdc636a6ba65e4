-- Arguments besides the name: where the page before said that it goes on.
local h = find(arg())
return h and streamInfo(h, arg(), num()) or false
