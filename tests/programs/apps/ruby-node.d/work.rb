# SPDX-License-Identifier: MIT
# Threads, processes, files and sockets of Ruby; each line is a finding.
require "socket"

counts = Hash.new(0)
20000.times { |i| counts[i * 7919 % 101] += i }
p counts.sort.first(3)

queue = Queue.new
threads = 4.times.map do
  Thread.new do
    sum = 0
    while (n = queue.pop) != :end
      sum += n
    end
    sum
  end
end
1000.times { |i| queue << i }
4.times { queue << :end }
p threads.sum(&:value)

reader, writer = IO.pipe
pid = fork do
  reader.close
  writer.puts "child"
  exit! 3
end
writer.close
p reader.read, Process.wait2(pid)[1].exitstatus
p `echo sub`, $?.success?
a, b = UNIXSocket.pair
a.puts "x"
p b.gets

Dir.mkdir "d"
File.write("d/f", "abc" * 1000)
p Dir["d/*"], File.size("d/f"), File.stat("d/f").mode.to_s(8)
p (1..Float::INFINITY).lazy.select(&:even?).first(3), 3**100
fiber = Fiber.new { Fiber.yield 1; 2 }
p fiber.resume, fiber.resume

seen = 0
trap("USR1") { seen += 1 }
Process.kill("USR1", $$)
sleep 0.01 until seen == 1
begin
  raise "x"
rescue => e
  p e
end
GC.start
at_exit { puts "bye" }
