-- Tables, strings that are joined, closures and sorting.
local work = tonumber(os.getenv("TRESTLE_BENCH_WORK") or "100")
local state = 1
local function random(limit)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 65536 % limit
end

local function tree(depth)
  if depth == 0 then return { value = random(1000) } end
  return { left = tree(depth - 1), right = tree(depth - 1), name = "node " .. random(100000) }
end
local function count(node)
  if not node.left then return node.value end
  return count(node.left) + count(node.right) + #node.name
end

local function words()
  local list, seen = {}, {}
  for i = 1, 12000 do list[i] = string.rep(string.char(97 + random(26)), random(40)) .. i end
  table.sort(list)
  for _, word in ipairs(list) do
    local key = word:sub(1, 4):upper()
    seen[key] = (seen[key] or "") .. word:sub(-3)
  end
  local total = 0
  for _, text in pairs(seen) do total = total + #text end
  return total, #table.concat(list, ",")
end

local function closures()
  local list, sum = {}, 0
  for i = 1, 20000 do list[i] = function(x) return x * i + random(3) end end
  for i = 1, #list do sum = (sum + list[i](i)) % 1000003 end
  return sum
end

for _ = 1, math.max(1, 10 * work // 100) do
  print(count(tree(13)), words())
  print(closures())
end
