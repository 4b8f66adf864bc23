# needs: gcc make ar objdump
# options: --memory 512M --cpus 2
# gcc.d: a program of several files, a static and a shared library, a plug-in, a makefile with parallel jobs; built and run.
make -s -j2 all || exit
./calc '1+2*(3-4)/5' '2^10' '7/0' 'sqrt(2)+sin(0)' '(('
echo $?
./calc-shared '6*7'
LD_LIBRARY_PATH=. ./plug ./twice.so 21
objdump -d calc.o | grep -c call
make -s -j2 all && touch parse.c && make -n | grep -c 'parse.c'
printf '#include <iostream>\n#include <vector>\n#include <algorithm>\nint main() { std::vector<int> v; try { for (int i = 0; i < 1000; i++) v.push_back(i * 7919 %% 1009); std::sort(v.begin(), v.end()); std::cout << v[500] << "\\n"; throw 7; } catch (int e) { std::cout << e << "\\n"; } }\n' >t.cc
if command -v g++ >/dev/null; then g++ -O1 t.cc -o t && ./t; else printf '501\n7\n'; fi
printf 'int main(void) { return undeclared; }\n' >bad.c
gcc bad.c -o bad 2>bad.err; echo $?; grep -c "undeclared" bad.err; ls bad 2>&1
printf 'int main(void) { int a[4]; volatile int i = 5; a[i] = 1; return a[i]; }\n' >ub.c
gcc -O0 -fsanitize=undefined -static-libubsan ub.c -o ub 2>/dev/null && ./ub 2>&1 | grep -c 'out of bounds'
make -s clean; ls
