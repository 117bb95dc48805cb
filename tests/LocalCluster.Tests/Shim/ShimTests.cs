// The shim with real processes: what it promises about trees, signals, exit codes and its records.
using Framelease.LocalCluster.Shim.Native;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Tests.Shim;

public sealed class ShimTests : IDisposable
{
    readonly ShimHarness _shim = new();

    public void Dispose() => _shim.Dispose();

    [Theory]
    [InlineData("exit 0", 0, null)]
    [InlineData("exit 7", 7, null)]
    [InlineData("exit 255", 255, null)]
    [InlineData("kill -KILL $$", 137, 9)]
    [InlineData("kill -SEGV $$", 139, 11)]
    public async Task An_exit_code_or_signal_is_recorded(string script, int exitCode, int? signal)
    {
        var record = await _shim.Run(_shim.Spec("sh", "-c", script));

        record.ExitCode.ShouldBe(exitCode);
        record.Signal.ShouldBe(signal);
        record.Reason.ShouldBeNull();
        record.FinishedAt.ShouldBeGreaterThanOrEqualTo(record.StartedAt!.Value);
    }

    [Fact]
    public async Task Output_environment_and_directory_are_the_containers_own()
    {
        var spec = _shim.Spec("sh", "-c", "echo out; echo err >&2; pwd; env | sort");
        await _shim.Run(spec with { WorkingDirectory = "/usr", Environment = [.. spec.Environment, "WORD=two words ü"] });

        var lines = _shim.Log.Split('\n');
        lines[0].ShouldBe("out");
        lines[1].ShouldBe("err");
        lines[2].ShouldBe("/usr");
        lines.ShouldContain("WORD=two words ü");
        lines.ShouldNotContain(line => line.StartsWith("DOTNET_"));
    }

    [Fact]
    public async Task Signals_are_at_their_default_in_the_container()
    {
        await _shim.Run(_shim.Spec("sh", "-c", "grep -E '^Sig(Ign|Blk)' /proc/self/status"));

        // two bits above the 31 ordinary signals belong to the C library's own threads
        _shim.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .ShouldAllBe(line => (Convert.ToUInt64(line.Split('\t', 2)[1], 16) & 0x7fffffff) == 0);
    }

    [Theory]
    [InlineData("no-such-program", null, "not found in PATH")]
    [InlineData("/no/such/program", null, "No such file")]
    [InlineData("/etc/passwd", null, "denied")]
    [InlineData("true", "/no/such/directory", "working directory")]
    public async Task A_program_that_cannot_start_is_a_start_error(string program, string? directory, string message)
    {
        var record = await _shim.Run(_shim.Spec(program) with { WorkingDirectory = directory });

        record.ExitCode.ShouldBe(128);
        record.Reason.ShouldBe("StartError");
        record.Message.ShouldNotBeNull().ShouldContain(message);
    }

    [Fact]
    public async Task When_the_main_process_dies_the_rest_of_its_tree_is_killed_before_the_exit_is_recorded()
    {
        // A daemon as daemons do it: new session, forked twice, parent gone; and one that ignores what can be ignored.
        var shim = _shim.StartScript("""
            setsid sh -c 'setsid sleep 1000 & exit' &
            sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' &
            wait; sleep 1000
            """);
        var state = await _shim.Running();
        await ShimHarness.Eventually(() => _shim.Marked().Count >= 5);

        state.Main!.Signal(Libc.SigKill).ShouldBeTrue();
        await _shim.EndOf(shim);

        var record = ExitRecord.Read(_shim.RunDirectory).ShouldNotBeNull();
        record.ExitCode.ShouldBe(137);
        record.Killed.ShouldBeGreaterThanOrEqualTo(2);
        _shim.Marked().ShouldBeEmpty();
    }

    [Fact]
    public async Task No_exit_is_recorded_while_a_process_of_the_tree_lives()
    {
        var shim = _shim.StartScript("sleep 1000 & echo ready; wait");
        await _shim.Running();
        await ShimHarness.Eventually(() => _shim.Log.Contains("ready"));

        ExitRecord.Read(_shim.RunDirectory).ShouldBeNull();
        Libc.kill(shim, Libc.SigQuit).ShouldBe(0);
        await _shim.EndOf(shim);
        ExitRecord.Read(_shim.RunDirectory).ShouldNotBeNull();
        _shim.Marked().ShouldBeEmpty();
    }

    [Fact]
    public async Task SIGTERM_reaches_the_main_process_which_may_end_in_its_own_way()
    {
        var shim = _shim.StartScript("trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.05; done");
        await ShimHarness.Eventually(() => _shim.Log.Contains("ready"));

        Libc.kill(shim, Libc.SigTerm);
        await _shim.EndOf(shim);

        ExitRecord.Read(_shim.RunDirectory)!.ExitCode.ShouldBe(3);
        _shim.Log.ShouldContain("bye");
    }

    [Fact]
    public async Task After_the_grace_of_the_stop_file_the_whole_tree_is_killed()
    {
        var shim = _shim.StartScript("trap '' TERM; (trap '' TERM; sleep 1000) & echo ready; while :; do sleep 0.05; done");
        await ShimHarness.Eventually(() => _shim.Log.Contains("ready"));
        AtomicFile.Write(_shim.RunDirectory.Stop, "1"u8);

        Libc.kill(shim, Libc.SigTerm);
        await _shim.EndOf(shim);

        ExitRecord.Read(_shim.RunDirectory)!.ExitCode.ShouldBe(137);
        _shim.Marked().ShouldBeEmpty();
    }

    [Fact]
    public async Task The_state_names_shim_and_main_process_without_doubt()
    {
        var shim = _shim.StartScript("echo ready; exec sleep 1000");
        var state = await _shim.Running();

        state.Shim.ShouldBe(ProcessIdentity.Of(shim));
        state.Main.ShouldBe(ProcessIdentity.Of(state.Main!.Pid));
        (state.Main with { StartTicks = state.Main.StartTicks + 1 }).IsAlive.ShouldBeFalse();
        (state.Main with { BootId = "another" }).Signal(Libc.SigKill).ShouldBeFalse();
        state.Main.IsAlive.ShouldBeTrue();
    }

    [Fact]
    public async Task A_killed_shim_leaves_processes_that_their_marker_still_finds()
    {
        var shim = _shim.StartScript("setsid sh -c 'setsid sleep 1000 & exit' & echo ready; sleep 1000");
        await _shim.Running();
        await ShimHarness.Eventually(() => _shim.Marked().Count >= 4);

        Libc.kill(shim, Libc.SigKill);
        await _shim.EndOf(shim);

        ExitRecord.Read(_shim.RunDirectory).ShouldBeNull();
        _shim.Marked().Count.ShouldBeGreaterThanOrEqualTo(2);
    }

    [Fact]
    public async Task A_directory_that_was_given_up_starts_nothing()
    {
        _shim.RunDirectory.TryClaim().ShouldBeTrue();

        await _shim.EndOf(_shim.StartScript("echo started"));

        _shim.Log.ShouldBe("");
        ExitRecord.Read(_shim.RunDirectory).ShouldBeNull();
    }

    [Fact]
    public async Task A_tree_above_its_memory_limit_is_killed_as_out_of_memory()
    {
        var doubling = _shim.Spec("awk", "BEGIN { s = \"x\"; while (length(s) < 2 ^ 30) s = s s; system(\"sleep 1000\") }");
        var record = await _shim.Run(doubling with { MemoryBytes = 64 << 20 });

        record.OomKilled.ShouldBeTrue();
        record.ExitCode.ShouldBe(137);
    }

    [Fact]
    public void A_spec_survives_being_written_and_read()
    {
        var spec = _shim.Spec("/bin/x", "a=b", "", "two\nlines") with { CpuMillis = 1500, MemoryBytes = 1L << 40, WorkingDirectory = "/tmp" };

        var read = ShimSpec.Parse(spec.Serialize());

        read.Arguments.ShouldBe(spec.Arguments);
        read.Environment.ShouldBe(spec.Environment);
        (read with { Arguments = spec.Arguments, Environment = spec.Environment }).ShouldBe(spec);
        read.Variable("PATH").ShouldBe("/usr/local/bin:/usr/bin:/bin");
        read.Variable("PAT").ShouldBeNull();
    }

    [Fact]
    public void Records_hold_any_text()
    {
        var record = new ExitRecord(128, null, null, DateTimeOffset.UnixEpoch, Reason: "StartError", Message: "quote \" slash \\ line\n ü 🎞");
        AtomicFile.Write(_shim.RunDirectory.Exit, record.ToJson());

        ExitRecord.Read(_shim.RunDirectory).ShouldBe(record);
    }
}
