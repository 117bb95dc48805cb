using System.Runtime.InteropServices;

namespace Framelease.LocalCluster.Shim.Native;

/// <summary>What to start: the program by absolute path, its arguments without argv[0], its whole environment as NAME=value.</summary>
sealed record SpawnRequest(string Program, IReadOnlyList<string> Arguments, IReadOnlyList<string> Environment)
{
    public string? WorkingDirectory { get; init; }

    /// <summary>Appended to by stdout and stderr, straight from the child: nobody copies. Null = /dev/null.</summary>
    public string? OutputFile { get; init; }

    /// <summary>If set, this descriptor becomes the child's stdout instead of <see cref="OutputFile"/>.</summary>
    public int? StandardOutput { get; init; }
}

/// <summary>posix_spawn could not start the program; <see cref="Errno"/> says why.</summary>
sealed class SpawnException(string message, int errno) : Exception(message)
{
    public int Errno { get; } = errno;
}

/// <summary>
/// posix_spawn: fork in C, so that no managed code ever runs in a half-copied runtime. The child leads its own session (a Ctrl-C on our
/// terminal is ours alone), has every signal at its default (the runtime ignores SIGPIPE, which a child would inherit) and none blocked.
/// </summary>
static unsafe class Spawn
{
    const short SetSignalDefault = 0x04, SetSignalMask = 0x08, SetSession = 0x80;
    const int WriteOnly = 1, Create = 0x40, Append = 0x400;

    /// <summary>Larger than posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t of glibc and musl on any architecture.</summary>
    const int Opaque = 1024;

    /// <summary>Starts the program and returns its pid; the caller must reap it.</summary>
    /// <exception cref="SpawnException">The program, its directory or its output file cannot be used.</exception>
    internal static int Start(SpawnRequest request)
    {
        if (request.WorkingDirectory is { } directory && !Directory.Exists(directory))
            throw new SpawnException($"working directory '{directory}' does not exist", Libc.Enoent);
        using var memory = new Arena();
        void* attributes = memory.Zeroed(Opaque), actions = memory.Zeroed(Opaque), signals = memory.Zeroed(Opaque);
        Check(Libc.posix_spawnattr_init(attributes), "posix_spawnattr_init");
        Check(Libc.posix_spawn_file_actions_init(actions), "posix_spawn_file_actions_init");
        try
        {
            _ = Libc.sigemptyset(signals);
            Check(Libc.posix_spawnattr_setsigmask(attributes, signals), "posix_spawnattr_setsigmask");
            for (var signal = 1; signal < 32; signal++)
                _ = Libc.sigaddset(signals, signal);
            Check(Libc.posix_spawnattr_setsigdefault(attributes, signals), "posix_spawnattr_setsigdefault");
            Check(Libc.posix_spawnattr_setflags(attributes, SetSignalDefault | SetSignalMask | SetSession), "posix_spawnattr_setflags");

            var none = memory.Text("/dev/null");
            Check(Libc.posix_spawn_file_actions_addopen(actions, 0, none, 0, 0), "stdin");
            var output = request.OutputFile is { } file ? memory.Text(file) : none;
            Check(Libc.posix_spawn_file_actions_addopen(actions, 2, output, WriteOnly | Create | Append, 0x1A0 /* 0640 */), "output file");
            Check(Libc.posix_spawn_file_actions_adddup2(actions, request.StandardOutput ?? 2, 1), "stdout");
            if (request.WorkingDirectory is { } cwd)
                Check(Libc.posix_spawn_file_actions_addchdir_np(actions, memory.Text(cwd)), "working directory");

            var error = Libc.posix_spawn(out var pid, memory.Text(request.Program), actions, attributes,
                memory.Texts(request.Program, request.Arguments), memory.Texts(null, request.Environment));
            Check(error, $"'{request.Program}' cannot be started");
            return pid;
        }
        finally
        {
            _ = Libc.posix_spawn_file_actions_destroy(actions);
            _ = Libc.posix_spawnattr_destroy(attributes);
        }
    }

    /// <summary>Finds a program as execvp would with the given PATH; a name with a slash is taken as it is. Null when there is none.</summary>
    internal static string? FindProgram(string name, string? path)
    {
        if (name.Contains('/', StringComparison.Ordinal))
            return name;
        foreach (var directory in (path ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
        {
            var candidate = Path.Combine(directory, name);
            if (File.Exists(candidate) && Libc.access(candidate, 1) == 0)
                return candidate;
        }
        return null;
    }

    static void Check(int errno, string what)
    {
        if (errno != 0)
            throw new SpawnException($"{what}: {Libc.Describe(errno)}", errno);
    }

    /// <summary>Native memory that lives until the spawn returned: each block begins with the address of the one before it.</summary>
    sealed class Arena : IDisposable
    {
        byte* _last;

        internal void* Zeroed(int bytes)
        {
            var block = (byte*)NativeMemory.AllocZeroed((nuint)(bytes + Header));
            *(byte**)block = _last;
            _last = block;
            return block + Header;
        }

        internal byte* Text(string text)
        {
            if (text.Contains('\0', StringComparison.Ordinal))
                throw new SpawnException("a program argument, variable or path contains a NUL character", 22);
            var bytes = System.Text.Encoding.UTF8.GetByteCount(text);
            var block = (byte*)Zeroed(bytes + 1);
            System.Text.Encoding.UTF8.GetBytes(text, new Span<byte>(block, bytes));
            return block;
        }

        internal byte** Texts(string? first, IReadOnlyList<string> others)
        {
            var block = (byte**)Zeroed((others.Count + 2) * sizeof(byte*));
            var next = 0;
            if (first is not null)
                block[next++] = Text(first);
            for (var i = 0; i < others.Count; i++)
                block[next++] = Text(others[i]);
            return block;
        }

        public void Dispose()
        {
            while (_last is not null)
            {
                var block = _last;
                _last = *(byte**)block;
                NativeMemory.Free(block);
            }
        }

        const int Header = 16; // keeps the alignment that malloc gave
    }
}
