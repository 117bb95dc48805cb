using System.Diagnostics;
using Framelease.NodeAgent.Looking;
using Framelease.NodeAgent.Tests.Support;

namespace Framelease.NodeAgent.Tests.Looking;

public sealed class ProcReaderTests : IDisposable
{
    readonly ProcTree _proc = new();

    public void Dispose() => _proc.Dispose();

    [Fact]
    public void What_counts_of_a_process_is_read()
    {
        _proc.Add(
            70, "odd) name (x", start: 1234, own: 7, cgroup: "0::/kubepods/x", user: "1000",
            marks: ["FRAMELEASE_LEASE_UID=lease-1", "FRAMELEASE_OUTER_LEASES=lease-0,lease-9", "FRAMELEASE_POD_UID=pod-1"]);
        var seen = _proc.Look().Processes.Single();
        (seen.Pid, seen.Name, seen.StartTicks, seen.NamespacePid, seen.Cgroup).ShouldBe((70, "odd) name (x", 1234L, 7, "0::/kubepods/x\n"));
        seen.UserIds.ShouldBe([1000, 1000, 1000, 1000]);
        var marks = seen.Marks.ShouldBeOfType<EnvironmentMarks.Read>();
        marks.LeaseUids.ShouldBe(["lease-1", "lease-0", "lease-9"]);
        marks.PodUid.ShouldBe("pod-1");
    }

    [Fact]
    public void Zombies_and_threads_of_the_kernel_are_not_alive()
    {
        _proc.Add(70, state: 'Z').Add(71, state: 'X').Add(2, "kthreadd", flags: 0x00200000);
        var look = _proc.Look();
        (look.Processes.Count, look.Blind).ShouldBe((0, null));
    }

    [Fact]
    public void A_program_whose_first_thread_has_ended_lives_by_the_others()
    {
        _proc.Add(70, state: 'Z', environment: false).AddThread(70, 70, 'Z', "").AddThread(70, 72, 'R', "0::/p", "FRAMELEASE_LEASE_UID=l");
        var seen = _proc.Look().Processes.Single();
        seen.Cgroup.ShouldBe("0::/p");
        seen.Marks.ShouldBeOfType<EnvironmentMarks.Read>().LeaseUids.ShouldBe(["l"]);
    }

    [Fact]
    public void A_process_without_environment_is_told_as_unknown_and_not_left_out()
    {
        _proc.Add(70, environment: false);
        _proc.Look().Processes.Single().Marks.ShouldBeOfType<EnvironmentMarks.Unknown>();
    }

    [Fact]
    public void What_is_there_and_cannot_be_read_makes_the_look_blind()
    {
        _proc.Add(70);
        // A folder in the file's place: there, and not to be read, also for root.
        File.Delete(_proc.FileOf(70, "stat"));
        Directory.CreateDirectory(_proc.FileOf(70, "stat"));
        _proc.Look().Blind.ShouldNotBeNull().ShouldContain("70/stat cannot be read");
    }

    [Fact]
    public void What_vanished_meanwhile_is_gone()
    {
        Directory.CreateDirectory(Path.Combine(_proc.Root, "71"));
        var look = _proc.Look();
        (look.Processes.Count, look.Blind).ShouldBe((0, null));
    }

    [Fact]
    public void A_real_process_is_seen_with_its_mark_until_it_has_ended()
    {
        var start = new ProcessStartInfo("sleep", ["600"]) { Environment = { ["FRAMELEASE_LEASE_UID"] = "real-1" } };
        using var process = Process.Start(start)!;
        var reader = new ProcReader("/proc", Viewpoints.Here(PodsKnownBy.Cgroup));
        SpinWait.SpinUntil(() => Marked(reader), TimeSpan.FromSeconds(30)).ShouldBeTrue("it takes a moment until it executes");
        process.Kill();
        process.WaitForExit();
        Marked(reader).ShouldBeFalse();

        static bool Marked(ProcReader reader) =>
            reader.Look().Processes.Any(p => p.Marks is EnvironmentMarks.Read { LeaseUids: ["real-1"] });
    }

    [Fact]
    public void This_very_process_knows_from_where_it_looks()
    {
        var here = Viewpoints.Here(PodsKnownBy.Cgroup);
        here.BootId.Length.ShouldBe(36);
        here.PidNamespace.ShouldBeGreaterThan(0);
        var own = new ProcReader("/proc", here).Look().Processes.Single(p => p.Pid == Environment.ProcessId);
        own.UserIds.ShouldContain(here.UserId);
    }
}
