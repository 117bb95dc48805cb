using System.Diagnostics;
using System.Net;
using Framelease.GpuWorker.Tests.Support;
using Framelease.WorkerProtocol;

namespace Framelease.GpuWorker.Tests.Attempts;

/// <summary>What cannot work is said within five seconds, with a fixed reason and how to mend it, and leaves nothing behind.</summary>
[Collection(ClipsCollection.Name)]
public sealed class BadInputTests(Clips clips) : IAsyncLifetime
{
    WorkerHarness _worker = null!;

    ScriptedOperator Operator => _worker.Operator;

    public async Task InitializeAsync() => _worker = await WorkerHarness.StartAsync();

    public async Task DisposeAsync() => await _worker.DisposeAsync();

    async Task<FailRequest> FailureAsync(double within = 5)
    {
        (await _worker.RunAsync(within)).ShouldBe(ExitCode.Failed, _worker.Log);
        Operator.Completes.ShouldBeEmpty();
        Operator.Objects.ShouldBeEmpty();
        Directory.GetFileSystemEntries(_worker.Scratch).ShouldBeEmpty();
        return Operator.Fails.ShouldHaveSingleItem();
    }

    void Input(string uri, string[]? roots = null, string[]? hosts = null, long maxBytes = 1 << 30) => Operator.Change = a => a with
    {
        Input = new InputSource(uri, uri, Presigned: false, roots ?? [], hosts ?? [], maxBytes),
    };

    void Parameters(params (string, string)[] parameters) => Operator.Change = a => a with
    {
        Engine = a.Engine with { Parameters = parameters.ToDictionary(p => p.Item1, p => p.Item2) },
    };

    [Theory]
    [InlineData(nameof(Clips.Text), FailReasons.InputUnreadable, "could not be read as video")]
    [InlineData(nameof(Clips.Empty), FailReasons.InputUnreadable, "zero bytes")]
    [InlineData(nameof(Clips.Cut), FailReasons.InputUnreadable, "cut off")]
    [InlineData(nameof(Clips.CutWithIndex), FailReasons.InputUnreadable, "cut off or damaged")]
    [InlineData(nameof(Clips.Sound), FailReasons.InputNotVideo, "no video stream")]
    public async Task A_file_that_is_no_whole_video_is_refused(string clip, string reason, string says)
    {
        Operator.ObjectFile = (string)typeof(Clips).GetProperty(clip)!.GetValue(clips)!;
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Input, reason, false));
        fail.Message.ShouldContain("object inputs/clip.mp4");
        fail.Message.ShouldContain(says);
        fail.Message.ShouldNotContain(_worker.Scratch);
    }

    [Fact]
    public async Task A_missing_object_is_not_found()
    {
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Input, FailReasons.InputNotFound, false));
        fail.Message.ShouldBe("object inputs/clip.mp4 is not there (404). Check its name, or upload it first.");
    }

    [Fact]
    public async Task A_missing_file_is_not_found()
    {
        Input($"file://{clips.Folder}/absent.mp4", [clips.Folder]);
        (await FailureAsync()).Reason.ShouldBe(FailReasons.InputNotFound);
    }

    [Fact]
    public async Task A_file_outside_the_allowed_roots_is_not_allowed()
    {
        Input("file:///etc/passwd", [clips.Folder]);
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.UserError, FailReasons.InputNotAllowed, false));
        fail.Message.ShouldContain($"outside the folders that inputs may come from ({clips.Folder})");
    }

    [Fact]
    public async Task A_file_under_an_allowed_root_is_read_in_place()
    {
        Input($"file://{clips.Plain}", [clips.Folder]);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
    }

    [Fact]
    public async Task A_private_address_is_not_allowed()
    {
        Input($"{Operator.Url}objects/in");
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.UserError, FailReasons.InputNotAllowed, false));
        Operator.Requests.ShouldNotContain("GET /objects/in");
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.0/8")]
    public async Task A_private_address_that_the_operator_excuses_is_fetched(string allowed)
    {
        Operator.ObjectFile = clips.Plain;
        Input($"{Operator.Url}objects/in", hosts: [allowed]);
        (await _worker.RunAsync()).ShouldBe(ExitCode.Completed, _worker.Log);
    }

    [Fact]
    public async Task An_input_above_the_limit_is_too_large()
    {
        Operator.ObjectFile = clips.Plain;
        Operator.Change = a => a with { Input = a.Input with { MaxBytes = 100 } };
        (await FailureAsync()).Reason.ShouldBe(FailReasons.InputTooLarge);
    }

    [Fact]
    public async Task A_server_that_refuses_connections_is_unreachable_and_worth_another_attempt()
    {
        Input("http://127.0.0.1:1/clip.mp4", hosts: ["127.0.0.1"]);
        var fail = await FailureAsync(within: 8);
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Input, FailReasons.InputUnreachable, true));
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_unreachable()
    {
        _worker.Resolve = (_, _) => throw new System.Net.Sockets.SocketException((int)System.Net.Sockets.SocketError.HostNotFound);
        Input("https://no-such-host.example/clip.mp4");
        var fail = await FailureAsync();
        (fail.Reason, fail.Retryable).ShouldBe((FailReasons.InputUnreachable, false));
        fail.Message.ShouldContain("'no-such-host.example'");
    }

    [Fact]
    public async Task A_name_that_changes_its_address_gains_nothing()
    {
        // public when asked first, loopback when connected: only the answer that is connected to counts
        var asked = 0;
        _worker.Resolve = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Parse(++asked > 1 ? "93.184.216.34" : "127.0.0.1")]);
        Input($"http://rebind.example:{Operator.Url.Port}/objects/in");
        (await FailureAsync()).Reason.ShouldBe(FailReasons.InputNotAllowed);
        Operator.Requests.ShouldNotContain("GET /objects/in");
    }

    [Theory]
    [InlineData("height", "721")]
    [InlineData("codec", "mpeg2")]
    [InlineData("filter", "movie=/etc/passwd")]
    public async Task A_wrong_parameter_is_refused_before_anything_is_fetched(string name, string value)
    {
        Parameters((name, value));
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.UserError, FailReasons.ParameterInvalid, false));
        fail.Message.ShouldContain(name);
        Operator.Requests.ShouldNotContain("GET /objects/in");
    }

    [Fact]
    public async Task An_unknown_driver_is_not_installed()
    {
        Operator.Change = a => a with { Engine = a.Engine with { Kind = "Teleport" } };
        var fail = await FailureAsync();
        (fail.Category, fail.Reason).ShouldBe((FailCategory.Engine, FailReasons.EngineNotInstalled));
        fail.Message.ShouldContain("'Teleport'");
    }

    [Fact]
    public async Task A_store_without_space_is_named()
    {
        Operator.ObjectFile = clips.Plain;
        Operator.Before = (_, _, context) => context.Request.Method == "PUT" ? ScriptedOperator.Problem(context, 507, "NoSpace") : Task.FromResult(false);
        var fail = await FailureAsync();
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.Storage, FailReasons.OutputNoSpace, false));
    }

    [Fact]
    public async Task A_limit_that_is_reached_is_named()
    {
        Operator.ObjectFile = clips.Long;
        Operator.Change = a => a with
        {
            Engine = a.Engine with { Parameters = new Dictionary<string, string> { ["preset"] = "slow" } },
            Limits = new Limits(CpuSeconds: 1, 0, 0),
        };
        var fail = await FailureAsync(within: 30);
        (fail.Category, fail.Reason, fail.Retryable).ShouldBe((FailCategory.UserError, FailReasons.LimitExceeded, false));
        fail.Message.ShouldContain("1 s of CPU time");
    }

    [Fact]
    public async Task An_output_above_its_limit_is_named()
    {
        Operator.ObjectFile = clips.Plain;
        Operator.Change = a => a with { Output = a.Output with { MaxBytes = 5000 } };
        (await FailureAsync()).Reason.ShouldBe(FailReasons.LimitExceeded);
    }

    [Fact]
    public async Task A_scratch_folder_that_cannot_be_written_is_named()
    {
        _worker.Scratch = "/proc/framelease";
        (await _worker.RunAsync(5)).ShouldBe(ExitCode.Failed);
        Operator.Fails.ShouldHaveSingleItem().Reason.ShouldBe(FailReasons.OutputNotWritable);
    }

    [RootFact]
    public async Task A_full_scratch_disk_is_named_whether_the_input_or_the_output_fills_it()
    {
        var mount = Directory.CreateTempSubdirectory("framelease-small-").FullName;
        Run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", mount);
        try
        {
            _worker.Scratch = mount;
            Operator.ObjectFile = clips.Long;
            (await FailureAsync()).ShouldSatisfyAllConditions(f => f.Reason.ShouldBe(FailReasons.OutputNoSpace), f => f.Category.ShouldBe(FailCategory.Storage));
            Operator.Fails.Clear();
            Input($"file://{clips.Long}", [clips.Folder]);
            (await FailureAsync(within: 30)).ShouldSatisfyAllConditions(f => f.Reason.ShouldBe(FailReasons.OutputNoSpace), f => f.Retryable.ShouldBeFalse());
        }
        finally
        {
            Run("umount", mount);
            Directory.Delete(mount);
        }
    }

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        process.ExitCode.ShouldBe(0);
    }
}
