-- SPDX-License-Identifier: MIT
-- Work of many kinds for an interpreter: numbers, strings, tables, closures, coroutines, files, errors, and
-- enough garbage for the heap to grow and shrink many times. Prints the same on every machine.

local function section(name)
	print("== " .. name)
end

section("arguments")
print(#arg, arg[1], arg[2], os.getenv("A"), os.getenv("NONE"))

section("sieve")
local function sieve(n)
	local composite, count, sum = {}, 0, 0
	for i = 2, n do
		if not composite[i] then
			count, sum = count + 1, sum + i
			for j = i * i, n, i do composite[j] = true end
		end
	end
	return count, sum
end
print(sieve(100000))

section("floating point")
local x, s = 0.5, 0
for i = 1, 300000 do
	x = 3.9 * x * (1 - x)
	s = s + math.sin(x) / i
end
print(string.format("%.17g %.17g", x, s))
print(math.pi, math.huge, -1 // 3, 7.5 // 2, 2 ^ 0.5, 1e308 * 10, math.maxinteger + 1 == math.mininteger)

section("strings")
local words = {}
for line in io.lines("text.txt") do
	for word in line:gmatch("%a+") do words[word] = (words[word] or 0) + 1 end
end
local names = {}
for word in pairs(words) do names[#names + 1] = word end
table.sort(names)
for _, word in ipairs(names) do io.write(word, "=", words[word], " ") end
print()
local parts = {}
for i = 1, 20000 do parts[#parts + 1] = ("%05d"):format(i * 7919 % 20011) end
local text = table.concat(parts, ",")
local hash = 5381
for i = 1, #text do hash = (hash * 33 + text:byte(i)) % 4294967296 end
print(#text, hash, text:find("00042", 1, true), (text:gsub("1", "one")):len())

section("sorting")
local list, seed = {}, 42
for i = 1, 50000 do
	seed = (seed * 1103515245 + 12345) % 2147483648
	list[i] = seed
end
table.sort(list)
local ordered = true
for i = 2, #list do ordered = ordered and list[i - 1] <= list[i] end
print(ordered, list[1], list[25000], list[50000])

section("closures and coroutines")
local function queens(n)
	local found, columns, up, down = 0, {}, {}, {}
	local function place(row)
		if row > n then
			found = found + 1
			coroutine.yield(found)
			return
		end
		for c = 1, n do
			if not (columns[c] or up[row + c] or down[row - c]) then
				columns[c], up[row + c], down[row - c] = true, true, true
				place(row + 1)
				columns[c], up[row + c], down[row - c] = nil, nil, nil
			end
		end
	end
	return coroutine.wrap(function() place(1) end)
end
local last
for found in queens(8) do last = found end
print("queens", last)

section("garbage")
local kept = {}
for round = 1, 10 do
	local rubbish = {}
	for i = 1, 20000 do rubbish[i] = { i, tostring(i), { round } } end
	kept[round] = rubbish[round * 1000][2]
	rubbish = nil
	collectgarbage()
end
print(table.concat(kept, " "))
print(collectgarbage("count") < 20000)

section("files")
local name = "out.dat"
local f = assert(io.open(name, "wb"))
for i = 0, 255 do f:write(string.char(i):rep(100)) end
f:close()
f = assert(io.open(name, "rb"))
print(f:seek("end"), f:seek("set", 25550), f:read(60):byte(1, 3))
f:close()
print(os.rename(name, "other.dat"), io.open(name), os.remove("other.dat"), os.remove("other.dat"))

section("errors")
print(pcall(error, { code = 1 }) == false, select(2, pcall(function() local t = nil; return t.x end)))
print(select(2, pcall(string.rep, "x", -1)), select("#", table.unpack({}, 1, 50)))
local depth = 0
local function deep() depth = depth + 1; return 1 + deep() end
print(pcall(deep) == false, depth > 1000)

section("time")
print(os.time({ year = 2024, month = 2, day = 29, hour = 12 }), os.date("!%Y-%m-%d %H:%M:%S", 86400 * 365))
print(os.clock() > 0, os.time() > 1600000000)
