using System.Diagnostics;
using System.Text.Json.Nodes;
using Framelease.Conformance.Tests.Support;

namespace Framelease.Conformance.Tests.Kubectl;

/// <summary>Skips, with the reason, where no kubectl is installed.</summary>
public sealed class KubectlFactAttribute : FactAttribute
{
    static readonly string? Program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Select(folder => Path.Combine(folder, "kubectl")).FirstOrDefault(File.Exists);

    static readonly Lazy<int> Minor = new(() =>
    {
        using var process = Process.Start(new ProcessStartInfo(Program!, ["version", "--client", "-o", "json"]) { RedirectStandardOutput = true })!;
        var minor = JsonNode.Parse(process.StandardOutput.ReadToEnd())!["clientVersion"]!["minor"]!.GetValue<string>();
        return int.Parse(minor.TrimEnd('+'));
    });

    public KubectlFactAttribute() => Skip = Program is null ? "kubectl is not on PATH" : null;

    /// <summary>The first 1.x that knows the command; users of Debian 12 have 1.20.</summary>
    public int Since
    {
        get => 0;
        set => Skip ??= Minor.Value < value ? $"kubectl is 1.{Minor.Value}; this command came with 1.{value}" : null;
    }
}

/// <summary>Stock kubectl against our server: what a user types works as on a cluster.</summary>
[Collection(LocalCollection.Name)]
public sealed class KubectlTests(LocalServer server)
{
    async Task<(int Code, string Out, string Error)> Kubectl(string[] arguments, string? input = null)
    {
        using var process = Process.Start(Start(arguments))!;
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, await output, await error);
    }

    ProcessStartInfo Start(string[] arguments)
    {
        var start = new ProcessStartInfo("kubectl", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["KUBECONFIG"] = server.KubeconfigPath;
        // Discovery caches of other tests and users stay out of it.
        start.Environment["HOME"] = server.Process.DataDirectory;
        return start;
    }

    async Task<string> Run(string command, string? input = null)
    {
        var (code, output, error) = await Kubectl(command.Split(' ', StringSplitOptions.RemoveEmptyEntries), input);
        code.ShouldBe(0, $"kubectl {command}: {error}{output}");
        return output;
    }

    static string Manifest(string name, int size) => Plain(name, size) + """
          parts:
          - name: x

        """;

    // Without a list whose items have defaults: a merge patch replaces lists whole, so that kubectl would see a change in every apply.
    static string Plain(string name, int size) => $$$"""
        apiVersion: conformance.framelease.dev/v1
        kind: Widget
        metadata:
          name: {{{name}}}
        spec:
          size: {{{size}}}

        """;

    [KubectlFact]
    public async Task Apply_creates_changes_and_leaves_alone()
    {
        var ns = await server.NewNamespace();
        (await Run($"apply -n {ns} -f -", Plain("a", 1))).ShouldContain("widget.conformance.framelease.dev/a created");
        (await Run($"apply -n {ns} -f -", Plain("a", 1))).ShouldContain("unchanged");
        (await Run($"apply -n {ns} -f -", Plain("a", 2))).ShouldContain("configured");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("2");
    }

    [KubectlFact]
    public async Task Apply_refuses_unknown_fields_and_wrong_values_by_default()
    {
        var ns = await server.NewNamespace();
        var (code, _, error) = await Kubectl(["apply", "-n", ns, "-f", "-"], Manifest("a", 1) + "  surprise: 1\n");
        code.ShouldBe(1);
        error.ShouldMatch("unknown field \"(spec\\.)?surprise\""); // 1.20 finds it by itself, later ones leave it to the server
        (code, _, error) = await Kubectl(["apply", "-n", ns, "-f", "-"], Manifest("a", 1000));
        code.ShouldBe(1);
        error.ShouldContain("spec.size in body should be less than or equal to 100");
    }

    [KubectlFact]
    public async Task Apply_of_a_pod_and_a_patch_of_a_config_map_merge()
    {
        var ns = await server.NewNamespace();
        const string Pod = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              containers:
              - {name: a, image: "i:1", env: [{name: A, value: "1"}]}
            """;
        (await Run($"apply -n {ns} -f -", Pod)).ShouldContain("pod/p created");
        (await Run($"apply -n {ns} -f -", Pod.Replace("i:1", "i:2"))).ShouldContain("pod/p configured");
        (await Run($"get pod p -n {ns} -o jsonpath={{.spec.containers[0].image}}")).ShouldBe("i:2");
        await Run($"create configmap m -n {ns} --from-literal=a=b");
        await Run($"patch cm m -n {ns} -p {{\"data\":{{\"c\":\"d\"}}}}");
        (await Run($"get cm m -n {ns} -o jsonpath={{.data}}")).ShouldBe("""{"a":"b","c":"d"}""");
        (await Run($"get pods -n {ns}")).ShouldMatch(@"NAME\s+READY\s+STATUS\s+RESTARTS\s+AGE\np\s+0/1\s+Pending\s+0\s");
        await Run($"delete pod p -n {ns}");
    }

    [KubectlFact]
    public async Task Get_prints_the_declared_columns()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        (await Run($"get widgets -n {ns}")).ShouldMatch(@"^NAME\s+SIZE\s+READY\s+AGE\na\s+1\s+\d+s");
        (await Run($"get widgets -n {ns} -o wide")).ShouldMatch(@"^NAME\s+SIZE\s+READY\s+COLOR\s+AGE\na\s+1\s+Red\s+\d+s");
        (await Run($"get gadgets -n {ns} -o name")).ShouldBe("widget.conformance.framelease.dev/a\n");
    }

    [KubectlFact]
    public async Task Describe_shows_the_object_and_its_events()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        var uid = await Run($"get widget a -n {ns} -o jsonpath={{.metadata.uid}}");
        await Run($"create -n {ns} -f -", $$$"""
            {"apiVersion":"v1","kind":"Event","metadata":{"name":"e"},"reason":"Seen","message":"hello from a test","type":"Normal",
             "firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","count":1,
             "involvedObject":{"apiVersion":"conformance.framelease.dev/v1","kind":"Widget","name":"a","namespace":"{{{ns}}}","uid":"{{{uid}}}"}}
            """);
        var described = await Run($"describe widget a -n {ns}");
        described.ShouldContain("Size:");
        described.ShouldContain("hello from a test");
        (await Run($"get events -n {ns}")).ShouldContain("widget/a");
    }

    [KubectlFact]
    public async Task Wait_sees_a_condition_become_true()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        var waiting = Run($"wait -n {ns} --for=condition=Ready widget/a --timeout=30s");
        (await server.Api.Merge(Widgets.Of(ns, "a") + "/status", """{"status":{"conditions":[{"type":"Ready","status":"True"}]}}""")).ShouldBe(200);
        (await waiting).ShouldContain("condition met");
    }

    [KubectlFact]
    public async Task Patch_label_and_annotate_change_the_object()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        await Run($"patch widget a -n {ns} --type=merge -p {{\"spec\":{{\"size\":5}}}}");
        await Run($"patch widget a -n {ns} --type=json -p [{{\"op\":\"replace\",\"path\":\"/spec/color\",\"value\":\"Green\"}}]");
        await Run($"label widget a -n {ns} tier=gold");
        await Run($"annotate widget a -n {ns} note=x");
        (await Run($"get widget -n {ns} -l tier=gold -o jsonpath={{.items[0].spec.size}}{{.items[0].spec.color}}")).ShouldBe("5Green");
        await Run($"label widget a -n {ns} tier-");
        (await Run($"get widget -n {ns} -l tier=gold -o name")).ShouldBe("");
    }

    [KubectlFact]
    public async Task Delete_waits_until_the_object_is_gone()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        (await Run($"delete widget a -n {ns}")).ShouldContain("deleted");
        (await Kubectl(["get", "widget", "a", "-n", ns])).Error.ShouldContain("widgets.conformance.framelease.dev \"a\" not found");
        (await Run($"delete namespace {ns}")).ShouldContain("deleted");
    }

    [KubectlFact]
    public async Task Explain_and_api_resources_know_the_kind()
    {
        (await Run("explain widget.spec.size")).ShouldContain("<integer>");
        (await Run("explain pod.spec.containers.env")).ShouldContain("value");
        (await Run("api-resources")).ShouldMatch(@"widgets\s+wdg\s+conformance\.framelease\.dev/v1\s+true\s+Widget");
    }

    static string Status(string phase, string state) => $$$"""
        {"status":{"phase":"{{{phase}}}","containerStatuses":[
         {"name":"a","restartCount":0,"ready":false,"image":"i:1","imageID":"","state":{{{state}}}}]}}
        """;

    [KubectlFact]
    public async Task Logs_prints_and_follows_the_file_of_the_container()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", """
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec: {nodeName: n1, restartPolicy: Never, containers: [{name: a, image: "i:1"}]}
            """);
        var uid = await Run($"get pod p -n {ns} -o jsonpath={{.metadata.uid}}");
        var folder = Directory.CreateDirectory(Path.Combine(server.Process.DataDirectory, "pods", uid, "a")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "0.log"), "hello\n");
        var path = $"/api/v1/namespaces/{ns}/pods/p/status";
        (await server.Api.Merge(path, Status("Running", """{"running":{"startedAt":"2026-01-01T00:00:00Z"}}"""))).ShouldBe(200);
        (await Run($"logs p -n {ns}")).ShouldBe("hello\n");
        var following = Run($"logs -f p -n {ns}");
        await File.AppendAllTextAsync(Path.Combine(folder, "0.log"), "bye\n");
        (await server.Api.Merge(path, Status("Succeeded", """{"running":null,"terminated":{"exitCode":0}}"""))).ShouldBe(200);
        (await following).ShouldBe("hello\nbye\n");
    }

    [KubectlFact]
    public async Task Server_side_apply_creates_changes_conflicts_and_forces()
    {
        var ns = await server.NewNamespace();
        (await Run($"apply --server-side -n {ns} -f -", Manifest("a", 1)))
            .ShouldContain("widget.conformance.framelease.dev/a serverside-applied");
        (await Run($"apply --server-side -n {ns} -f -", Manifest("a", 2))).ShouldContain("serverside-applied");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("2");
        await Run($"patch widget a -n {ns} --type=merge --field-manager=other -p {{\"spec\":{{\"size\":3}}}}");
        var (code, _, error) = await Kubectl(["apply", "--server-side", "-n", ns, "-f", "-"], Manifest("a", 4));
        code.ShouldBe(1);
        error.ShouldContain("conflict with \"other\" using conformance.framelease.dev/v1: .spec.size");
        await Run($"apply --server-side --force-conflicts -n {ns} -f -", Manifest("a", 4));
        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("4");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.metadata.managedFields[*].manager}}")).Split(' ').ShouldContain("kubectl");
    }

    [KubectlFact]
    public async Task From_client_side_to_server_side_apply_and_back()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Plain("a", 1));
        (await Run($"apply --server-side -n {ns} -f -", Plain("a", 2))).ShouldContain("serverside-applied");
        (await Run($"apply -n {ns} -f -", Plain("a", 3))).ShouldContain("configured");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("3");
    }

    [KubectlFact]
    public async Task Diff_says_what_an_apply_would_change()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Plain("a", 1));
        (await Run($"diff -n {ns} -f -", Plain("a", 1))).ShouldBe("");
        foreach (var side in new[] { "--server-side=false", "--server-side=true" })
        {
            var (code, output, error) = await Kubectl(["diff", side, "--force-conflicts=" + (side.EndsWith("true") ? "true" : "false"),
                "-n", ns, "-f", "-"],
                Plain("a", 2));
            code.ShouldBe(1, error);
            output.ShouldContain("-  size: 1");
            output.ShouldContain("+  size: 2");
        }

        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("1");
    }

    [KubectlFact]
    public async Task Replace_takes_what_get_gave()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        var text = await Run($"get widget a -n {ns} -o yaml");
        (await Run($"replace -n {ns} -f -", text.Replace("size: 1", "size: 6"))).ShouldContain("replaced");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("6");
        (await Kubectl(["replace", "-n", ns, "-f", "-"], text)).Error.ShouldContain("the object has been modified");
        (await Run($"replace --force -n {ns} -f -", Manifest("a", 8))).ShouldContain("replaced");
    }

    [KubectlFact]
    public async Task Every_type_of_patch_is_taken_where_it_fits()
    {
        var ns = await server.NewNamespace();
        await Run($"create configmap m -n {ns} --from-literal=a=b");
        await Run($"patch cm m -n {ns} --type=strategic -p {{\"data\":{{\"c\":\"d\"}}}}");
        await Run($"patch cm m -n {ns} --type=merge -p {{\"data\":{{\"a\":null}}}}");
        await Run($"patch cm m -n {ns} --type=json -p [{{\"op\":\"add\",\"path\":\"/data/e\",\"value\":\"f\"}}]");
        (await Run($"get cm m -n {ns} -o jsonpath={{.data}}")).ShouldBe("""{"c":"d","e":"f"}""");
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        (await Kubectl(["patch", "widget", "a", "-n", ns, "--type=strategic", "-p", "{}"])).Error.ShouldContain("strategic");
    }

    [KubectlFact(Since = 24)]
    public async Task A_status_is_patched_as_a_subresource()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        await Run($"patch widget a -n {ns} --subresource=status --type=merge -p {{\"status\":{{\"phase\":\"Up\"}}}}");
        (await Run($"get wdg a -n {ns} -o jsonpath={{.status.phase}}")).ShouldBe("Up");
    }

    [KubectlFact]
    public async Task Deletion_takes_dependents_along_before_or_not_at_all()
    {
        var ns = await server.NewNamespace();
        async Task OwnerAndDependent(string name)
        {
            await Run($"create configmap {name} -n {ns}");
            var uid = await Run($"get cm {name} -n {ns} -o jsonpath={{.metadata.uid}}");
            await Run($"create -n {ns} -f -", $$$"""
                {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"{{{name}}}-child","ownerReferences":[
                 {"apiVersion":"v1","kind":"ConfigMap","name":"{{{name}}}","uid":"{{{uid}}}","blockOwnerDeletion":true}]}}
                """);
        }

        await OwnerAndDependent("background");
        await OwnerAndDependent("foreground");
        await OwnerAndDependent("orphan");
        await Run($"delete cm background -n {ns} --cascade=background");
        // In the background: 1.20 fails a wait for what is gone already.
        var (code, _, error) = await Kubectl(["wait", "-n", ns, "--for=delete", "cm/background-child", "--timeout=30s"]);
        (code == 0 || error.Contains("no matching resources found", StringComparison.Ordinal)).ShouldBeTrue(error);
        (await Run($"get cm background-child -n {ns} --ignore-not-found")).ShouldBe("");
        await Run($"delete cm foreground -n {ns} --cascade=foreground");
        (await Run($"get cm foreground-child -n {ns} --ignore-not-found")).ShouldBe("");
        await Run($"delete cm orphan -n {ns} --cascade=orphan");
        (await Run($"get cm orphan-child -n {ns} -o jsonpath={{.metadata.ownerReferences}}")).ShouldBe("");
    }

    [KubectlFact]
    public async Task Versions_and_permissions_are_answered()
    {
        (await Run("api-versions")).ShouldContain("conformance.framelease.dev/v1\n");
        (await Run("auth can-i delete widgets.conformance.framelease.dev")).ShouldBe("yes\n");
        (await Run("auth can-i --list")).ShouldContain("*.*");
        (await Run("version -o json")).ShouldContain("serverVersion");
        (await Run("cluster-info")).ShouldContain("control plane");
    }

    [KubectlFact(Since = 27)]
    public async Task Who_asks_is_told_who_he_is() =>
        (await Run("auth whoami -o jsonpath={.status.userInfo.groups}")).ShouldContain("system:masters");

    [KubectlFact]
    public async Task Scale_sets_the_field_that_the_definition_names()
    {
        var ns = await server.NewNamespace();
        var group = $"s{Guid.NewGuid().ToString("N")[..8]}.example.com";
        await Run("apply -f -", $$$$"""
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"crews.{{{{group}}}}"},
             "spec":{"group":"{{{{group}}}}","scope":"Namespaced","names":{"plural":"crews","kind":"Crew"},
              "versions":[{"name":"v1","served":true,"storage":true,
               "subresources":{"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},
               "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """);
        await Run($"wait --for=condition=Established crd/crews.{group} --timeout=30s");
        await Run($"apply -n {ns} -f -", $$$"""{"apiVersion":"{{{group}}}/v1","kind":"Crew","metadata":{"name":"c"},"spec":{"size":1}}""");
        (await Run($"scale crew c -n {ns} --replicas=4")).ShouldContain("scaled");
        (await Run($"get crew c -n {ns} -o jsonpath={{.spec.size}}")).ShouldBe("4");
        (await Kubectl(["scale", "crew", "c", "-n", ns, "--current-replicas=9", "--replicas=5"])).Code.ShouldBe(1);
        await Run($"delete crd crews.{group}");
    }

    [KubectlFact]
    public async Task Get_with_watch_prints_changes_as_they_come()
    {
        var ns = await server.NewNamespace();
        await Run($"apply -n {ns} -f -", Manifest("a", 1));
        using var watching = Process.Start(Start(["get", "widget", "-n", ns, "-w"]))!;
        async Task<string> Line() => (await watching.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)))!;
        (await Line()).ShouldContain("NAME");
        (await Line()).ShouldMatch(@"^a\s+1\s");
        await Run($"patch widget a -n {ns} --type=merge -p {{\"spec\":{{\"size\":7}}}}");
        (await Line()).ShouldMatch(@"^a\s+7\s");
        watching.Kill();
    }

    [KubectlFact]
    public async Task Typed_commands_that_speak_protobuf_work()
    {
        var ns = await server.NewNamespace();
        await Run($"create namespace {ns}-x");
        await Run($"create secret generic s -n {ns} --from-literal=a=b");
        (await Run($"get secret s -n {ns} -o jsonpath={{.data.a}}")).ShouldBe("Yg==");
        await Run($"create serviceaccount robot -n {ns}");
        (await Run("auth can-i create pods")).ShouldBe("yes\n");
        await Run($"delete ns {ns}-x");
    }

    [KubectlFact(Since = 24)]
    public async Task A_token_is_made_for_a_service_account()
    {
        var ns = await server.NewNamespace();
        await Run($"create serviceaccount robot -n {ns}");
        (await Run($"create token robot -n {ns}")).Split('.').Length.ShouldBe(3);
    }
}
