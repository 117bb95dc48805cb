using System.Globalization;
using Framelease.NodeAgent.Looking;

namespace Framelease.NodeAgent.Tests.Support;

/// <summary>A folder that looks like /proc.</summary>
sealed class ProcTree : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("framelease-proc-").FullName;

    public ProcTree Add(
        int pid, string name = "sleep", char state = 'S', long start = 5000, int? own = null, string cgroup = "0::/init.scope",
        string user = "0", long flags = 0, bool environment = true, params string[] marks)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, Text(pid))).FullName;
        File.WriteAllText(Path.Combine(folder, "stat"), Stat(pid, name, state, flags, start));
        var inside = own is { } o ? $"\t{o}" : "";
        var status = $"Name:\t{name}\nUid:\t{user}\t{user}\t{user}\t{user}\nNSpid:\t{pid}{inside}\n";
        File.WriteAllText(Path.Combine(folder, "status"), status);
        File.WriteAllText(Path.Combine(folder, "cgroup"), cgroup + "\n");
        var entries = environment ? string.Concat(marks.Prepend("PATH=/bin").Select(m => m + "\0")) : "";
        File.WriteAllText(Path.Combine(folder, "environ"), entries);
        return this;
    }

    public ProcTree AddThread(int pid, int thread, char state, string cgroup, params string[] marks)
    {
        var folder = Directory.CreateDirectory(Path.Combine(Root, Text(pid), "task", Text(thread))).FullName;
        File.WriteAllText(Path.Combine(folder, "stat"), Stat(thread, "worker", state, 0, 5000));
        File.WriteAllText(Path.Combine(folder, "status"), "Uid:\t0\t0\t0\t0\n");
        File.WriteAllText(Path.Combine(folder, "cgroup"), cgroup);
        File.WriteAllText(Path.Combine(folder, "environ"), string.Concat(marks.Select(m => m + "\0")));
        return this;
    }

    public string FileOf(int pid, string file) => Path.Combine(Root, Text(pid), file);

    public ProcessLook Look(Viewpoint? from = null) => new ProcReader(Root, from ?? Node()).Look();

    public static Viewpoint Node(PodsKnownBy pods = PodsKnownBy.Cgroup, long space = Viewpoints.FirstPidNamespace, int user = 0) =>
        new("boot-1", space, space == Viewpoints.FirstPidNamespace, user, pods);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    static string Stat(int pid, string name, char state, long flags, long start) => string.Create(
        CultureInfo.InvariantCulture, $"{pid} ({name}) {state} 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 0 0 0 0 20 0 1 0 {start} 1000 10\n");

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
