using Framelease.Cli.Leases;
using Framelease.Cli.Processes;
using Framelease.GpuWorker.Tests.Support;

namespace Framelease.Cli.Tests.Leases;

/// <summary>Real processes of the machine.</summary>
public sealed class CommandProcessTests : IDisposable
{
    static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    readonly string _folder = Directory.CreateTempSubdirectory("framelease-lease-run-").FullName;
    readonly string _uid = Guid.NewGuid().ToString("N");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Arguments_arrive_as_they_are_and_the_exit_code_comes_back()
    {
        using var command = Start("/bin/sh", "-c", "test \"$1\" = 'a  $HOME *' && exit 7", "sh", "a  $HOME *");
        await command.Exited.WaitAsync(Patience);
        command.ExitCode.ShouldBe(7);
    }

    [Fact]
    public async Task The_environment_is_added_to_ours()
    {
        using var command = Start("/bin/sh", "-c", "test \"$FRAMELEASE_DEVICE\" = GPU-a && test -n \"$PATH\" && test -n \"$FRAMELEASE_LEASE_UID\"");
        await command.Exited.WaitAsync(Patience);
        command.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task Under_a_lease_inside_of_others_it_carries_the_marks_of_all()
    {
        var around = new Dictionary<string, string> { ["FRAMELEASE_LEASE_UID"] = "outer-1", ["FRAMELEASE_OUTER_LEASES"] = "outer-0" };
        const string Test = "test \"$FRAMELEASE_OUTER_LEASES\" = outer-1,outer-0 && test \"$FRAMELEASE_LEASE_UID\" != outer-1";
        string[] look = ["/bin/sh", "-c", Test];
        using var command = CommandProcess.Start(look, around, _uid, TimeProvider.System);
        await command.Exited.WaitAsync(Patience);
        command.ExitCode.ShouldBe(0);
    }

    [Fact]
    public void This_very_process_can_say_which_it_is()
    {
        var self = HolderSelf.Read().ShouldNotBeNull();
        self.Pid.ShouldBe(Environment.ProcessId);
        self.StartTicks.ShouldBeGreaterThan(0);
        self.PidNamespace.ShouldBeGreaterThan(0);
        HolderSelf.Read("/nowhere").ShouldBeNull();
    }

    [Fact]
    public async Task A_command_that_a_signal_ended_is_128_and_its_number()
    {
        using var command = Start("sleep", "600");
        command.Signal(Signals.Term);
        await command.Exited.WaitAsync(Patience);
        command.ExitCode.ShouldBe(143);
    }

    [Fact]
    public async Task A_stop_is_a_request_first_and_a_kill_after_the_grace()
    {
        var time = new ManualTime();
        using var command = Start(time, "/bin/sh", "-c", $"trap 'echo >> {_folder}/asked' TERM; echo >> {_folder}/ready; while :; do sleep 0.02; done");
        await Written("ready");
        var stopping = command.StopAsync(TimeSpan.FromSeconds(10));
        await Written("asked");
        command.Exited.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(11));
        await stopping.WaitAsync(Patience);
        await command.Exited.WaitAsync(Patience);
        command.ExitCode.ShouldBe(137);
        await command.Stopped;
    }

    [Fact]
    public async Task A_kill_takes_what_the_command_started_with_it()
    {
        using var command = Start("/bin/sh", "-c", $"sleep 600 & echo >> {_folder}/ready; wait");
        await Written("ready");
        command.Kill();
        await command.Exited.WaitAsync(Patience);
        (await command.EndLeftoversAsync(Say(out _), Grace, Patience)).ShouldBeTrue();
        MarkedProcesses.Find($"{CommandProcess.Marker}={_uid}").ShouldBeEmpty();
    }

    [Fact]
    public async Task What_a_command_leaves_behind_is_found_and_ended()
    {
        using var command = Start("/bin/sh", "-c", "sleep 600 & exit 0");
        await command.Exited.WaitAsync(Patience);
        MarkedProcesses.Find($"{CommandProcess.Marker}={_uid}").ShouldHaveSingleItem();
        (await command.EndLeftoversAsync(Say(out var said), Grace, Patience)).ShouldBeTrue();
        said.ToString().ShouldContain("left 1 processes behind");
        MarkedProcesses.Find($"{CommandProcess.Marker}={_uid}").ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_grace_what_ignores_sigterm_is_killed_at_once()
    {
        using var command = Start("/bin/sh", "-c", $"(trap '' TERM; echo >> {_folder}/ready; while :; do sleep 1; done) & while ! [ -e {_folder}/ready ]; do sleep 0.01; done");
        await command.Exited.WaitAsync(Patience);
        (await command.EndLeftoversAsync(Say(out _), TimeSpan.Zero, Patience)).ShouldBeTrue();
        MarkedProcesses.Find($"{CommandProcess.Marker}={_uid}").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("/no/such/program", LeaseExit.NotFound)]
    [InlineData("/etc/hostname", LeaseExit.NotExecutable)]
    public void A_command_that_cannot_be_started_says_which_of_both(string program, int code)
    {
        var error = Should.Throw<CliException>(() => Start(program));
        error.ExitCode.ShouldBe(code);
        error.Message.ShouldStartWith(program);
    }

    static LeaseSay Say(out StringWriter text)
    {
        text = new StringWriter();
        return new LeaseSay(text, quiet: false);
    }

    Task Written(string file) => Eventually.Holds(() => File.Exists(Path.Combine(_folder, file)), $"{file} is written", 30);

    CommandProcess Start(params string[] command) => Start(TimeProvider.System, command);

    CommandProcess Start(TimeProvider time, params string[] command) =>
        CommandProcess.Start(command, new Dictionary<string, string> { ["FRAMELEASE_DEVICE"] = "GPU-a" }, _uid, time);
}
