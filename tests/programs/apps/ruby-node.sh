# needs: ruby
# options: --memory 512M --wx linux
# Ruby, and JavaScript where there is node: their own threads, collectors of garbage, and compilers at run time.
ruby work.rb
echo $?
command -v node >/dev/null || exit 0
node work.js | sort
echo "${PIPESTATUS[0]}"
