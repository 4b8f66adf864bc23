# needs: git seq cmp
# A history with branches, a conflict, a clone, packs; dates are fixed, so the hashes are too.
set -e
export GIT_AUTHOR_DATE='2024-01-02T03:04:05Z' GIT_COMMITTER_DATE='2024-01-02T03:04:05Z' HOME=$PWD GIT_CONFIG_NOSYSTEM=1
git config --global user.name A
git config --global user.email a@example.org
git config --global init.defaultBranch main
git config --global advice.detachedHead false
git init -q one
cd one
for i in $(seq 60); do mkdir -p "d$((i % 7))"; seq "$i" $((i * 20)) >"d$((i % 7))/f$i"; done
ln -s d1/f1 link
chmod +x d2/f2
git add .
git commit -qm first
for i in 1 2 3 4 5; do echo "$i" >>d1/f1; git commit -qam "change $i"; done
git checkout -qb side HEAD~3
git mv d3/f3 d4/moved
sed -i 's/^7$/seven/' d1/f1
git commit -qam side
git checkout -q main
git merge -q side -m merged
git log --oneline --graph --stat | sha256sum
git log --format='%h %s' -n 4
git diff --stat HEAD~2 | tail -1
git blame -s d1/f1 | tail -3
git checkout -qb conflict HEAD~1
echo other >>d1/f1
git commit -qam other
git merge main 2>&1 | grep -c CONFLICT || true
git merge --abort || true
git status --porcelain
git checkout -q main
git tag -a v1 -m one
git gc -q
git fsck --full --strict
git count-objects -v | grep -E '^(count|in-pack|packs)'
cd ..
git clone -q one two
cmp one/d1/f1 two/d1/f1
cd two
echo x >new
git add new
git commit -qm new
git push -q origin HEAD:refs/heads/pushed
git -C ../one log --format=%s -n 2 pushed
git rebase -q --onto v1~2 v1 HEAD 2>/dev/null || git rebase --abort
git stash list
git archive --format=tar HEAD | tar t | sort | tail -2
git bundle create -q ../b.bundle --all
git bundle verify -q ../b.bundle && echo bundle
git fsck && git rev-parse HEAD
git grep -c seven | tail -3
git reflog | wc -l
git worktree add -q ../three v1 && ls ../three | tr '\n' ' '
