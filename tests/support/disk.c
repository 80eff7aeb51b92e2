/* A disk that can be slow, and one that remembers. It is put before a program by LD_PRELOAD:
 *   DISK_FSYNC_DELAY_US=1000   adds that much to every fsync and fdatasync
 *   DISK_LOG=file              writes down what is done to the files below DISK_LOG_UNDER
 * A change and its record are made under one lock, so that the log has the order of the disk. An
 * fsync is written down after it succeeded, with the length that the log had when it began: it
 * covers what stands before that. SQLite's -shm files are left out: they are memory shared by
 * processes, and recovery begins by emptying them. What the log could not tell (files written
 * through memory maps, holes made ahead) is written down as 'X', for the reader to refuse.
 * The form of a record is at struct record; who reads it is disk.rs beside this file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* What stands before the payload: bytes for 'W', and paths, each ended by NUL, for the others.
 *   'C' file made          'W' written at    'T' cut or grown to at     'S' file synced, begun at
 *   'L' second name given  'R' renamed       'U' name removed           'D' folder synced, begun at
 *   'X' something that this can't tell, by the name of the call */
struct record {
    uint64_t kind, inode, at, length;
};

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static const char *under;
static int log_file = -1;
static useconds_t delay;

/* The C library's own function. */
#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

__attribute__((constructor)) static void begin(void) {
    const char *text = getenv("DISK_FSYNC_DELAY_US"), *path = getenv("DISK_LOG");
    delay = text ? (useconds_t)strtoul(text, NULL, 10) : 0;
    if (!path) return;
    under = realpath(getenv("DISK_LOG_UNDER"), NULL);
    if (!under) abort();
    log_file = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) abort();
}

/* The second lock is for other processes that write the same log. */
static void lock(void) {
    pthread_mutex_lock(&order);
    while (flock(log_file, LOCK_EX) && errno == EINTR) {}
}

static void unlock(void) {
    int kept = errno;
    flock(log_file, LOCK_UN);
    pthread_mutex_unlock(&order);
    errno = kept;
}

static void put(char kind, uint64_t inode, uint64_t at, const void *payload, uint64_t length) {
    struct record head = {(uint64_t)kind, inode, at, length};
    struct iovec parts[] = {{&head, sizeof head}, {(void *)payload, length}};
    /* A short record would spoil all that follow it. */
    if (REAL(writev)(log_file, parts, 2) != (ssize_t)(sizeof head + length)) abort();
}

static void put_path(char kind, uint64_t inode, uint64_t at, const char *path) {
    put(kind, inode, at, path, strlen(path) + 1);
}

static int is_ours(const char *path) {
    size_t length = strlen(under), end = strlen(path);
    if (strncmp(path, under, length) || (path[length] && path[length] != '/')) return 0;
    return end < 4 || strcmp(path + end - 4, "-shm");
}

/* Whether an open file is one to write about; its path and inode. The standard streams, which may
 * go to files, were opened by somebody else. */
static int is_logged(int fd, char *path, struct stat *status) {
    char link[64];
    if (log_file < 0 || fd <= STDERR_FILENO || fstat(fd, status)) return 0;
    if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode)) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_ours(path);
}

/* The same for a path; it is written out in full. The last part need not exist. */
static int is_logged_path(int folder, const char *given, char *path) {
    char parent[PATH_MAX], found[PATH_MAX];
    if (log_file < 0 || strlen(given) >= PATH_MAX - 64) return 0;
    if (given[0] == '/' || folder == AT_FDCWD) strcpy(parent, given);
    else snprintf(parent, sizeof parent, "/proc/self/fd/%d/%s", folder, given);
    char *slash = strrchr(parent, '/'), *name = slash ? slash + 1 : parent;
    const char *last = strrchr(given, '/') ? strrchr(given, '/') + 1 : given;
    *name = 0;
    if (!realpath(slash ? parent : ".", found)) return 0;
    if (snprintf(path, PATH_MAX, "%s/%s", found, last) >= PATH_MAX) return 0;
    return is_ours(path);
}

static int open_logged(int folder, const char *given, int flags, mode_t mode) {
    char path[PATH_MAX];
    struct stat status;
    if (!(flags & (O_CREAT | O_TRUNC)) || !is_logged_path(folder, given, path))
        return REAL(openat)(folder, given, flags, mode);
    lock();
    int is_new = faccessat(folder, given, F_OK, 0) != 0;
    int fd = REAL(openat)(folder, given, flags, mode);
    if (fd >= 0 && !fstat(fd, &status)) {
        if (is_new) put_path('C', status.st_ino, 0, path);
        else if (flags & O_TRUNC) put_path('T', status.st_ino, 0, path);
    }
    unlock();
    return fd;
}

/* Two names of each function: the second is for files beyond 2 GiB, which is the same here. */
#define TWICE(type, name, parameters, ...) \
    type name parameters { __VA_ARGS__ }   \
    type name##64 parameters { __VA_ARGS__ }
#define READ_MODE                              \
    mode_t mode = 0;                           \
    va_list more;                              \
    va_start(more, flags);                     \
    if (flags & (O_CREAT | __O_TMPFILE)) mode = va_arg(more, mode_t); \
    va_end(more);

TWICE(int, open, (const char *path, int flags, ...),
    READ_MODE return open_logged(AT_FDCWD, path, flags, mode);)
TWICE(int, openat, (int folder, const char *path, int flags, ...),
    READ_MODE return open_logged(folder, path, flags, mode);)

/* Writes, and writes down what was taken. `at` is -1 for where the file stands. */
static ssize_t write_logged(int fd, const struct iovec *parts, int count, off_t at) {
    char path[PATH_MAX];
    struct stat status;
    int logged = is_logged(fd, path, &status);
    if (logged) lock();
    if (logged && at < 0 && fcntl(fd, F_GETFL) & O_APPEND) at = lseek(fd, 0, SEEK_END);
    off_t from = logged && at < 0 ? lseek(fd, 0, SEEK_CUR) : at;
    ssize_t done = at < 0 ? REAL(writev)(fd, parts, count) : REAL(pwritev)(fd, parts, count, at);
    ssize_t left = logged ? done : 0;
    for (int i = 0; left > 0; i++) {
        size_t length = (size_t)left < parts[i].iov_len ? (size_t)left : parts[i].iov_len;
        put('W', status.st_ino, (uint64_t)from, parts[i].iov_base, length);
        from += (off_t)length;
        left -= (ssize_t)length;
    }
    if (logged) unlock();
    return done;
}

ssize_t write(int fd, const void *data, size_t length) {
    return write_logged(fd, &(struct iovec){(void *)data, length}, 1, -1);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    return write_logged(fd, parts, count, -1);
}
TWICE(ssize_t, pwrite, (int fd, const void *data, size_t length, off_t at),
    return write_logged(fd, &(struct iovec){(void *)data, length}, 1, at);)
TWICE(ssize_t, pwritev, (int fd, const struct iovec *parts, int count, off_t at),
    return write_logged(fd, parts, count, at);)

TWICE(int, ftruncate, (int fd, off_t length),
    char path[PATH_MAX];
    struct stat status;
    if (!is_logged(fd, path, &status)) return REAL(ftruncate)(fd, length);
    lock();
    int failed = REAL(ftruncate)(fd, length);
    if (!failed) put_path('T', status.st_ino, (uint64_t)length, path);
    unlock();
    return failed;)

static int sync_logged(int fd, int (*sync)(int)) {
    char path[PATH_MAX];
    struct stat status, log;
    int logged = is_logged(fd, path, &status);
    if (logged) fstat(log_file, &log);
    int failed = sync(fd);
    if (delay) usleep(delay);
    if (logged && !failed) {
        lock();
        put_path(S_ISDIR(status.st_mode) ? 'D' : 'S', status.st_ino, (uint64_t)log.st_size, path);
        unlock();
    }
    return failed;
}
int fsync(int fd) { return sync_logged(fd, REAL(fsync)); }
int fdatasync(int fd) { return sync_logged(fd, REAL(fdatasync)); }

/* Writes down what a call does to names: `call` is made under the lock. */
#define NAMES(kind, logged, paths, length, call) \
    if (!(logged)) return call;                  \
    lock();                                      \
    int failed = call;                           \
    if (!failed) put(kind, 0, 0, paths, length); \
    unlock();                                    \
    return failed;

int unlinkat(int folder, const char *given, int flags) {
    char path[PATH_MAX];
    NAMES('U', is_logged_path(folder, given, path), path, strlen(path) + 1,
        REAL(unlinkat)(folder, given, flags))
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

/* Two paths, one behind the other, and their length; 0 where none is ours. What comes from
 * elsewhere or goes there is nothing that the log could tell. */
static size_t two_paths(int from, const char *old, int to, const char *new, char *paths, char *kind) {
    char second[PATH_MAX];
    int source = is_logged_path(from, old, paths), target = is_logged_path(to, new, second);
    if (!source && !target) return 0;
    if (!source || !target) return *kind = 'X', strlen(strcpy(paths, "rename or link")) + 1;
    size_t length = strlen(paths) + 1;
    return length + strlen(strcpy(paths + length, second)) + 1;
}
int renameat(int from, const char *old, int to, const char *new) {
    char paths[2 * PATH_MAX], kind = 'R';
    size_t length = two_paths(from, old, to, new, paths, &kind);
    NAMES(kind, length, paths, length, REAL(renameat)(from, old, to, new))
}
int rename(const char *old, const char *new) { return renameat(AT_FDCWD, old, AT_FDCWD, new); }
int linkat(int from, const char *old, int to, const char *new, int flags) {
    char paths[2 * PATH_MAX], kind = 'L';
    size_t length = two_paths(from, old, to, new, paths, &kind);
    NAMES(kind, length, paths, length, REAL(linkat)(from, old, to, new, flags))
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }

/* What the log can't tell. */
static void refuse(int fd, const char *call) {
    char path[PATH_MAX];
    struct stat status;
    if (!is_logged(fd, path, &status)) return;
    lock();
    put_path('X', status.st_ino, 0, call);
    unlock();
}
TWICE(void *, mmap, (void *at, size_t length, int access, int flags, int fd, off_t from),
    if (fd >= 0) refuse(fd, "mmap");
    return REAL(mmap)(at, length, access, flags, fd, from);)
TWICE(int, fallocate, (int fd, int mode, off_t from, off_t length),
    refuse(fd, "fallocate");
    return REAL(fallocate)(fd, mode, from, length);)
TWICE(int, posix_fallocate, (int fd, off_t from, off_t length),
    refuse(fd, "posix_fallocate");
    return REAL(posix_fallocate)(fd, from, length);)
ssize_t copy_file_range(int from, off_t *in, int to, off_t *out, size_t length, unsigned flags) {
    refuse(to, "copy_file_range");
    return REAL(copy_file_range)(from, in, to, out, length, flags);
}
