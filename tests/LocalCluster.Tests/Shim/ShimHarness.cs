// Starts real shims in a directory of its own, and waits for facts instead of sleeping.
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Tests.Shim;

sealed class ShimHarness : IDisposable
{
    internal static readonly string Program = Path.Combine(AppContext.BaseDirectory, "framelease-shim");
    static int _number;

    readonly ProcessWatcher _watcher = new();

    internal ShimHarness()
    {
        Root = Directory.CreateTempSubdirectory("framelease-shim-").FullName;
        PodUid = $"test-{Environment.ProcessId}-{Interlocked.Increment(ref _number)}";
    }

    internal string Root { get; }

    internal string PodUid { get; }

    internal ContainerDirectory RunDirectory => new(Root);

    internal string Log => File.Exists(Path.Combine(Root, "log")) ? File.ReadAllText(Path.Combine(Root, "log")) : "";

    internal ShimSpec Spec(string program, params string[] arguments) => new()
    {
        PodUid = PodUid,
        Container = "main",
        Program = program,
        Arguments = arguments,
        Environment = [$"{ShimSpec.PodMarker}={PodUid}", $"{ShimSpec.ContainerMarker}=main", "PATH=/usr/local/bin:/usr/bin:/bin"],
        LogFile = Path.Combine(Root, "log"),
        GraceSeconds = 20,
    };

    /// <summary>Starts the shim and returns its pid.</summary>
    internal int Start(ShimSpec spec)
    {
        AtomicFile.Write(RunDirectory.Spec, spec.Serialize());
        return Spawn.Start(new SpawnRequest(Program, [Root], ["DOTNET_ROOT=" + DotnetRoot, $"{ShimSpec.PodMarker}={PodUid}"]));
    }

    internal int StartScript(string script) => Start(Spec("sh", "-c", script));

    /// <summary>The wait status of a shim that ended.</summary>
    internal async Task<int?> EndOf(int shim) =>
        ProcessIdentity.Of(shim) is { } identity ? await _watcher.WhenEnded(identity).WaitAsync(Deadline) : await Reaped(shim);

    internal async Task<ExitRecord> Run(ShimSpec spec)
    {
        await EndOf(Start(spec));
        return ExitRecord.Read(RunDirectory).ShouldNotBeNull();
    }

    internal Task<ShimState> Running() => Eventually(() => ShimState.Read(RunDirectory) is { Main: not null } state ? state : null);

    /// <summary>Every live process that carries this harness's marker.</summary>
    internal List<int> Marked()
    {
        var marker = System.Text.Encoding.UTF8.GetBytes($"{ShimSpec.PodMarker}={PodUid}");
        return [.. ProcessTree.All().Where(p => !p.IsZombie && ProcessTree.Carries(p.Pid, marker)).Select(p => p.Pid)];
    }

    internal static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    internal static async Task<T> Eventually<T>(Func<T?> look)
        where T : class
    {
        var until = Environment.TickCount64 + (long)Deadline.TotalMilliseconds;
        while (true)
        {
            if (look() is { } found)
                return found;
            if (Environment.TickCount64 > until)
                throw new TimeoutException("the condition did not come true in time");
            await Task.Delay(10);
        }
    }

    internal static Task Eventually(Func<bool> condition) => Eventually(() => condition() ? "" : null);

    internal static string DotnetRoot =>
        Path.GetFullPath(Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));

    static async Task<int?> Reaped(int pid)
    {
        int? status = null;
        await Eventually(() => Libc.waitpid(pid, out var now, Libc.WaitNoHang) == pid && (status = now) is not null);
        return status;
    }

    public void Dispose()
    {
        // shims too; and a shim that dies may leave its last file half-way
        for (var left = Marked(); left.Count > 0; left = Marked())
            foreach (var pid in left)
                _ = Libc.kill(pid, Libc.SigKill);
        _watcher.Dispose();
        Directory.Delete(Root, recursive: true);
    }
}
