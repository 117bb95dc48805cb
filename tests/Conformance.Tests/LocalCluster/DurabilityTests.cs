using System.Net.Sockets;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.LocalCluster;

/// <summary>Kills, restarts and damaged files: what was acknowledged is there, and the revision never goes back.</summary>
public sealed class DurabilityTests : IDisposable
{
    readonly string _directory = Directory.CreateTempSubdirectory("framelease-durability-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    static Api ClientOf(ApiServerProcess process) => new(Kubeconfig.Read(process.KubeconfigPath));

    static string Map(string name, string value = "v") =>
        $$$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}"},"data":{"k":"{{{value}}}"}}""";

    const string Maps = "/api/v1/namespaces/default/configmaps";

    [Fact]
    public async Task Every_acknowledged_write_survives_a_kill_in_the_middle_of_writing()
    {
        var acknowledged = new List<(string Name, ulong Revision)>();
        for (var round = 0; round < 3; round++)
        {
            await using var process = await ApiServerProcess.Start(_directory);
            using var api = ClientOf(process);
            var listed = (await api.Get(Maps)).ShouldBe(200);
            listed.Names.ShouldBe(acknowledged.Select(a => a.Name), ignoreOrder: true);
            if (acknowledged.Count > 0)
                ulong.Parse(listed.Revision).ShouldBeGreaterThanOrEqualTo(acknowledged.Max(a => a.Revision));

            var under = new TaskCompletionSource();
            var writers = Enumerable.Range(0, 8).Select(writer => WriteUntilKilled(api, $"r{round}-w{writer}", acknowledged, under)).ToList();
            await under.Task.WaitAsync(TimeSpan.FromSeconds(30));
            await process.Kill();
            await Task.WhenAll(writers);
            // What was sent and not answered may be there or not; take it as the server says.
            await using var again = await ApiServerProcess.Start(_directory);
            using var second = ClientOf(again);
            var names = (await second.Get(Maps)).ShouldBe(200).Names.ToHashSet();
            acknowledged.ShouldAllBe(a => names.Contains(a.Name));
            foreach (var name in names.Except(acknowledged.Select(a => a.Name)).ToList())
                acknowledged.Add((name, 0));
            await again.Kill();
        }

        acknowledged.Count.ShouldBeGreaterThan(10);
    }

    // Says that writing is under way once it has ten answers, so that the kill meets all writers in their stride.
    static async Task WriteUntilKilled(Api api, string prefix, List<(string, ulong)> acknowledged, TaskCompletionSource under)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                var created = (await api.Post(Maps, Map($"{prefix}-{i}"))).ShouldBe(201);
                lock (acknowledged)
                    acknowledged.Add((created.Name, ulong.Parse(created.Revision)));
                if (i == 10)
                    under.TrySetResult();
            }
        }
        catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException)
        {
            // Killed.
        }
    }

    [Fact]
    public async Task A_restarted_server_keeps_port_token_and_watch_history()
    {
        string revision, ready;
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            using var api = ClientOf(process);
            ready = process.ReadyLine;
            revision = (await api.Post(Maps, Map("a"))).ShouldBe(201).Revision;
            (await api.Post(Maps, Map("b"))).ShouldBe(201);
            (await api.Delete($"{Maps}/a")).ShouldBe(200);
            await process.Kill();
        }

        await using var again = await ApiServerProcess.Start(_directory);
        again.ReadyLine.ShouldBe(ready);
        using var resumed = ClientOf(again);
        using var watch = await resumed.Watch($"{Maps}?resourceVersion={revision}");
        var (first, second) = (await watch.Change(), await watch.Change());
        (first.Type, first.Name).ShouldBe(("ADDED", "b"));
        (second.Type, second.Name).ShouldBe(("DELETED", "a"));
    }

    [Fact]
    public async Task Orphans_are_collected_after_a_restart_too()
    {
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            using var api = ClientOf(process);
            var owner = (await api.Post(Maps, Map("owner"))).ShouldBe(201);
            (await api.Post(Maps, $$$"""
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"dependent","ownerReferences":[
                 {"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":"{{{owner.Uid}}}"}]}}
                """)).ShouldBe(201);
            // The answer and the kill race with the collector: whoever wins, the dependent must go.
            (await api.Delete($"{Maps}/owner")).ShouldBe(200);
            await process.Kill();
        }

        await using var again = await ApiServerProcess.Start(_directory);
        using var second = ClientOf(again);
        await second.Until($"{Maps}/dependent", reply => reply.Code == 404, "collected");
    }

    [Fact]
    public async Task A_write_torn_by_a_crash_is_cut_off_and_the_rest_is_kept()
    {
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            using var api = ClientOf(process);
            (await api.Post(Maps, Map("a"))).ShouldBe(201);
            await process.Kill();
        }

        var log = Directory.GetFiles(Path.Combine(_directory, "objects"), "log-*.bin").Single();
        await File.AppendAllBytesAsync(log, [200, 0, 0, 0, 1, 2, 3, 4, 5]);
        await using var again = await ApiServerProcess.Start(_directory);
        using var second = ClientOf(again);
        (await second.Get($"{Maps}/a")).ShouldBe(200);
        (await second.Post(Maps, Map("b"))).ShouldBe(201);
    }

    [Fact]
    public async Task A_log_that_is_damaged_in_its_middle_stops_the_start()
    {
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            using var api = ClientOf(process);
            (await api.Post(Maps, Map("a"))).ShouldBe(201);
            (await api.Post(Maps, Map("b"))).ShouldBe(201);
            await process.Kill();
        }

        var log = Directory.GetFiles(Path.Combine(_directory, "objects"), "log-*.bin").Single();
        var bytes = await File.ReadAllBytesAsync(log);
        bytes[20] ^= 0xff;
        await File.WriteAllBytesAsync(log, bytes);
        var (code, error) = await ApiServerProcess.Fail("--data-dir", _directory);
        code.ShouldBe(1);
        error.ShouldContain("is damaged at byte");
    }

    [Fact]
    public async Task The_log_is_compacted_and_nothing_is_lost()
    {
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            using var api = ClientOf(process);
            (await api.Post(Maps, Map("kept"))).ShouldBe(201);
            (await api.Post(Maps, Map("big"))).ShouldBe(201);
            for (var i = 0; i < 12; i++)
                (await api.Merge($"{Maps}/big", $$$"""{"data":{"k":"{{{i}}}{{{new string('x', 1_000_000)}}}"}}""")).ShouldBe(200);
            (await api.Post(Maps, Map("last"))).ShouldBe(201);
            (await process.Terminate()).ShouldBe(0);
        }

        Directory.GetFiles(Path.Combine(_directory, "objects"), "snapshot-*.bin").ShouldHaveSingleItem();
        new DirectoryInfo(Path.Combine(_directory, "objects")).GetFiles().Sum(file => file.Length).ShouldBeLessThan(8_000_000);
        await using var again = await ApiServerProcess.Start(_directory);
        using var second = ClientOf(again);
        (await second.Get(Maps)).Names.ShouldBe(["big", "kept", "last"]);
        (await second.Get($"{Maps}/big")).Json["data"]!["k"]!.GetValue<string>().ShouldStartWith("11x");
    }

    [Fact]
    public async Task A_second_server_on_the_same_directory_is_refused()
    {
        await using var process = await ApiServerProcess.Start(_directory);
        var (code, error) = await ApiServerProcess.Fail("--data-dir", _directory);
        code.ShouldBe(1);
        error.ShouldContain("another API server runs on this directory");
    }

    [Fact]
    public async Task A_port_that_was_taken_meanwhile_stops_the_start_and_says_how_to_go_on()
    {
        int port;
        await using (var process = await ApiServerProcess.Start(_directory))
        {
            port = Kubeconfig.Read(process.KubeconfigPath).Server.Port;
            await process.Kill();
        }

        using var taken = new TcpListener(System.Net.IPAddress.Loopback, port);
        taken.Start();
        var (code, error) = await ApiServerProcess.Fail("--data-dir", _directory);
        code.ShouldBe(1);
        error.ShouldContain($"port {port}");
        error.ShouldContain("--port");
        await using var elsewhere = await ApiServerProcess.Start(_directory, "--port", "0");
        Kubeconfig.Read(elsewhere.KubeconfigPath).Server.Port.ShouldNotBe(port);
    }

    [Fact]
    public async Task Wrong_options_are_explained()
    {
        (await ApiServerProcess.Fail()).ShouldSatisfyAllConditions(end => end.Code.ShouldBe(2), end => end.Error.ShouldContain("--data-dir is required"));
        (await ApiServerProcess.Fail("--data-dir", _directory, "--port", "many")).Code.ShouldBe(2);
        (await ApiServerProcess.Fail("--colour", "red")).Error.ShouldContain("unknown option --colour");
    }

    [Fact]
    public async Task Files_are_private_and_kubeconfigs_of_the_components_work()
    {
        await using var process = await ApiServerProcess.Start(_directory);
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(_directory).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            foreach (var file in Directory.GetFiles(_directory, "*", SearchOption.AllDirectories))
                File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite, file);
        }

        foreach (var (name, user) in new[] { ("node", "system:node:local"), ("operator", "system:serviceaccount:framelease-system:framelease-operator") })
        {
            using var api = new Api(Kubeconfig.Read(Path.Combine(_directory, "kubeconfigs", $"{name}.yaml")));
            var self = await api.Post("/apis/authentication.k8s.io/v1/selfsubjectreviews",
                """{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}""");
            self.ShouldBe(201).Json["status"]!["userInfo"]!["username"]!.GetValue<string>().ShouldBe(user);
            (await api.Get("/api/v1/nodes")).ShouldBe(200);
        }
    }

    [Fact]
    public async Task A_terminated_server_ends_its_watches_cleanly()
    {
        await using var process = await ApiServerProcess.Start(_directory);
        using var api = ClientOf(process);
        using var watch = await api.Watch($"{Maps}?resourceVersion=0");
        var (stopping, ended) = (process.Terminate(), watch.Next());
        (await ended).ShouldBeNull();
        (await stopping).ShouldBe(0);
    }
}
