using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Configuration;

namespace Framelease.Kubernetes.Tests.Configuration;

public sealed class KubeConfigTests : IDisposable
{
    const string Good = """
        apiVersion: v1
        kind: Config
        current-context: dev
        contexts:
        - name: dev
          context: {cluster: c, user: u, namespace: team}
        - name: other
          context: {cluster: c, user: cert}
        clusters:
        - name: c
          cluster:
            server: https://example.test:6443/prefix
            certificate-authority: ca.pem
            tls-server-name: api.example
        users:
        - name: u
          user: {token: secret}
        - name: cert
          user:
            client-certificate-data: Y2VydA==
            client-key-data: a2V5
        """;

    readonly string _folder = Directory.CreateTempSubdirectory("kubeconfig-").FullName;

    public KubeConfigTests() => File.WriteAllText(Path.Combine(_folder, "ca.pem"), "authority");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_current_context_is_used_with_files_relative_to_the_kubeconfig()
    {
        var options = KubeConfig.Load(Write(Good));
        options.Server.ShouldBe(new Uri("https://example.test:6443/prefix"));
        options.Namespace.ShouldBe("team");
        options.Token.ShouldBe("secret");
        options.TlsServerName.ShouldBe("api.example");
        options.CertificateAuthorityFile.ShouldBe(Path.Combine(_folder, "ca.pem"));
        options.ToString().ShouldNotContain("secret");
    }

    [Fact]
    public void Another_context_can_be_chosen()
    {
        var options = KubeConfig.Load(Write(Good), "other");
        (options.Namespace, options.Token).ShouldBe(("default", null));
        Encoding.UTF8.GetString(options.ClientCertificateData!).ShouldBe("cert");
        KubeConfig.Read(Write(Good)).Contexts.ShouldBe(["dev", "other"]);
    }

    [Fact]
    public void Somebody_else_may_be_acted_as()
    {
        const string User = "{token: secret, as: eve, as-uid: u1, as-groups: [devs], as-user-extra: {k: [v]}}";
        var other = KubeConfig.Load(Write(Good.Replace("{token: secret}", User, StringComparison.Ordinal))).Impersonate!;
        (other.User, other.Uid, other.Group).ShouldBe(("eve", "u1", "devs"));
        other.Extra!["k"].ShouldBe("v");
    }

    [Fact]
    public void A_folder_is_called_that() =>
        Should.Throw<KubeConfigException>(() => KubeConfig.Load(_folder)).Message.ShouldContain("is a folder");

    [Fact]
    public void Json_is_read_as_well()
    {
        var json = """
            {"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}],
             "clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:1"}}]}
            """;
        KubeConfig.Load(Write(json)).Server.Port.ShouldBe(1);
    }

    [Fact]
    public void A_list_of_files_is_read_together_and_missing_ones_are_skipped()
    {
        var one = Write("current-context: a\ncontexts:\n- {name: a, context: {cluster: c2, user: u}}\n", "one");
        var two = Write(Good.Replace("name: c\n", "name: c2\n", StringComparison.Ordinal), "two");
        var list = string.Join(Path.PathSeparator, $"{_folder}/missing", one, two);
        KubeConfig.Load(environment: name => name == "KUBECONFIG" ? list : null).Token.ShouldBe("secret");
    }

    [Theory]
    [InlineData("current-context: dev", "", "current-context is missing: set it, or choose one of: dev, other")]
    [InlineData("current-context: dev", "current-context: nope", "current-context is 'nope', but contexts has no such entry; there are: dev, other")]
    [InlineData("cluster: c, user: u", "cluster: zz, user: u", "contexts[0].context.cluster is 'zz', but clusters has no such entry; there are: c")]
    [InlineData("cluster: c, user: u", "user: u", "contexts[0].context.cluster is missing")]
    [InlineData("user: u,", "user: nobody,", "contexts[0].context.user is 'nobody', but users has no such entry; there are: u, cert")]
    [InlineData("server: https://example.test:6443/prefix", "other: 1", "clusters[0].cluster.server is missing")]
    [InlineData("https://example.test:6443/prefix", "example.test", "clusters[0].cluster.server is 'example.test': write an http:// or https:// address")]
    [InlineData("certificate-authority: ca.pem", "certificate-authority: nope.pem", "clusters[0].cluster.certificate-authority: cannot read")]
    [InlineData("certificate-authority: ca.pem", "certificate-authority-data: '%%'", "clusters[0].cluster.certificate-authority-data is not valid base64")]
    [InlineData("certificate-authority: ca.pem", "insecure-skip-tls-verify: maybe", "clusters[0].cluster.insecure-skip-tls-verify must be true or false")]
    [InlineData("{token: secret}", "{auth-provider: {name: x}}", "users[0].user.auth-provider is not supported")]
    [InlineData("{token: secret}", "{exec: {command: x}}", "users[0].user.exec.apiVersion is missing: write client.authentication")]
    [InlineData("{token: secret}", "{exec: {apiVersion: v1}}", "users[0].user.exec.apiVersion is 'v1': write client.authentication")]
    [InlineData("{token: secret}", "{exec: {apiVersion: client.authentication.k8s.io/v1}}", "users[0].user.exec.command is missing")]
    [InlineData("{token: secret}", "{as-groups: [a]}", "users[0].user.as-groups is of no use without as")]
    [InlineData("{token: secret}", "{as: x, as-groups: [a, b]}", "users[0].user.as-groups has more than one group")]
    [InlineData("{token: secret}", "{client-certificate-data: Y2VydA==}", "users[0].user.client-key-data is missing")]
    [InlineData("{token: secret}", "[token]", "users[0].user must be a mapping")]
    [InlineData("{token: secret}", "{token: [a]}", "users[0].user.token must be text")]
    [InlineData("- name: u\n", "- nam: u\n", "users[0].name is missing")]
    [InlineData("clusters:", "clusters: [", "not valid YAML at line")]
    public void What_is_wrong_is_named_by_file_and_field(string replace, string by, string message)
    {
        var path = Write(Good.Replace(replace, by, StringComparison.Ordinal));
        var error = Should.Throw<KubeConfigException>(() => KubeConfig.Load(path));
        error.Message.ShouldContain(message);
        error.Message.ShouldStartWith($"kubeconfig {path}");
        error.Reason.ShouldBe(KubernetesReasons.InvalidConfiguration);
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Should.Throw<KubeConfigException>(() => KubeConfig.Load("/nowhere/config")).Message.ShouldStartWith("kubeconfig /nowhere/config: cannot be read");

    [Fact]
    public void Without_any_configuration_the_message_says_where_it_was_looked_for()
    {
        var error = Should.Throw<KubeConfigException>(() => KubeConfig.Load(environment: name => name == "HOME" ? _folder : null));
        error.Message.ShouldContain("KUBECONFIG is not set");
        error.Message.ShouldContain(".kube/config does not exist");
    }

    [Fact]
    public void A_pod_uses_its_service_account_and_reads_the_token_from_its_file()
    {
        Write("token", "token");
        Write("authority", "ca.crt");
        Write("team-a\n", "namespace");
        var environment = new Dictionary<string, string?> { ["KUBERNETES_SERVICE_HOST"] = "fd00::1", ["KUBERNETES_SERVICE_PORT"] = "6443" };
        var options = InCluster.TryLoad(environment.GetValueOrDefault, _folder)!;
        options.Server.ShouldBe(new Uri("https://[fd00::1]:6443"));
        options.TokenFile.ShouldBe(Path.Combine(_folder, "token"));
        options.Namespace.ShouldBe("team-a");
        InCluster.TryLoad(_ => null).ShouldBeNull();
    }

    string Write(string text, string name = "config")
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
